import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "./log.ts";
import { BROKEN_NAME, errorText, lockDir } from "./paths.ts";

/** Texts that blame the machine and not the container (specification §13). */
const PATTERNS = [
  /[Cc]annot connect to the Docker daemon/,
  /oci runtime error.*starting container process.*container init.*mounting.*to rootfs.*no such file or directory/,
  /grpc: the connection is unavailable/,
  /no space left on device/,
];

export function suggestsBrokenNode(text: string): boolean {
  return PATTERNS.some((pattern) => pattern.test(text));
}

const HOOK_TIMEOUT_MS = 60_000;

/** Runs the hook, else creates the file that makes `--list` say "broken", for the dispatcher to drain this node. */
export function markNodeBroken(reason: string, hook: string, log: Log): void {
  log(`Error suggests node is unable to run containers: ${reason}`);
  if (hook !== "") {
    log(`Running broken node hook ${JSON.stringify(hook)}`);
    const done = spawnSync(hook, {
      stdio: ["ignore", "pipe", "pipe"],
      encoding: "utf8",
      timeout: HOOK_TIMEOUT_MS,
    });
    const output = [done.stdout, done.stderr].join("").trim();
    if (output !== "") log(`Broken node hook: ${output.slice(0, 2000)}`);
    if (done.error) log(`Error running broken node hook: ${errorText(done.error)}`);
    else if (done.status !== 0)
      log(`Error running broken node hook: exit ${done.status ?? done.signal}`);
    return;
  }
  const path = join(lockDir(), BROKEN_NAME);
  log(`Writing ${path} to mark node as broken`);
  try {
    writeFileSync(path, "");
  } catch (error) {
    log(`Error writing ${path}: ${errorText(error)}`);
  }
}
