import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DaemonBox } from "../support/daemon-box.ts";
import { Checks } from "./checks.ts";

/**
 * `npm run schemathesis`: a tool that others wrote makes requests from the OpenAPI document and sends them to a real daemon.
 * A 5xx fails, and what is not as the document says. Without python3, pip or the package it is skipped, in words.
 */
const VERSION = "schemathesis==4.32.5";
const CHECKS = [
  "not_a_server_error",
  "response_schema_conformance",
  "content_type_conformance",
  "negative_data_rejection",
].join(",");
/** One never ends, the other ends the daemon. */
const SKIPPED_PATHS = "/(events|stop)$";

const checks = new Checks();
const folder = mkdtempSync(join(tmpdir(), "schemathesis-"));
const run = (command: string, ...args: string[]) =>
  // It leaves a folder where it runs.
  spawnSync(command, args, {
    cwd: folder,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    timeout: 1_200_000,
  });

try {
  const missing = install();
  if (missing === undefined) await attack();
  else checks.skip("schemathesis", missing);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
checks.end();

/** Says what is missing. */
function install(): string | undefined {
  const venv = run("python3", "-m", "venv", join(folder, "venv"));
  if (venv.status !== 0) return `python3 cannot make a venv: ${lastLine(venv.stderr ?? "")}`;
  const pip = run(join(folder, "venv/bin/pip"), "install", "--quiet", VERSION);
  return pip.status === 0 ? undefined : `pip cannot install ${VERSION}: ${lastLine(pip.stderr)}`;
}

async function attack(): Promise<void> {
  const box = new DaemonBox({});
  try {
    await box.start();
    await box.submit("sleep 300");
    const ended = run(
      join(folder, "venv/bin/st"),
      "run",
      `${box.url}/dispatch/v1/openapi.json`,
      "--header",
      `Authorization: Bearer ${box.tokens().managementToken}`,
      `--checks=${CHECKS}`,
      `--exclude-path-regex=${SKIPPED_PATHS}`,
      "--max-examples=100",
      "--no-color",
    );
    console.log(ended.stdout);
    console.error(ended.stderr);
    checks.that(
      "schemathesis finds no server error, and what the document says",
      ended.status === 0,
      `exit ${ended.status}`,
    );
    checks.that("the daemon logged no failed request", !box.log().includes("request failed"));
  } finally {
    await box.close();
  }
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
