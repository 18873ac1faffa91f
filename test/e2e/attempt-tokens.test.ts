import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { openBox, type DaemonBox } from "../support/daemon-box.ts";

const END_MS = 60_000;

/** The root token may stand here; what runners are sent is kept by this test alone. */
const EXPECTED = /^(tokens\.json|stdin\..*)$/;

/** Has every runner's standard input written to a file before the runner reads it. */
function keepStdin(box: DaemonBox): () => string[] {
  const wrapper = join(box.dir, "crunch-run-with-copy");
  const script = [
    "#!/bin/sh",
    'case " $* " in',
    `  *" --detach "*) copy=$(mktemp ${box.dir}/stdin.XXXXXX); cat >"$copy"; exec crunch-run "$@" <"$copy" ;;`,
    "esac",
    'exec crunch-run "$@"',
  ];
  writeFileSync(wrapper, `${script.join("\n")}\n`);
  chmodSync(wrapper, 0o755);
  // With a keepstore asked for, as sites have it by default: a runner would be sent the whole configuration.
  box.configure({ Containers: { CrunchRunCommand: wrapper, LocalKeepBlobBuffersPerVCPU: 1 } });
  return () =>
    readdirSync(box.dir)
      .filter((name) => name.startsWith("stdin."))
      .map((name) => readFileSync(join(box.dir, name), "utf8"));
}

function read(path: string): string {
  try {
    return statSync(path).isFile() ? readFileSync(path, "latin1") : "";
  } catch {
    // It is gone meanwhile.
    return "";
  }
}

/** Files and processes of the box that show the text: their paths. */
function placesOf(box: DaemonBox, text: string): string[] {
  const files = readdirSync(box.dir, { recursive: true, encoding: "utf8" })
    .map((name) => join(box.dir, name))
    .filter((path) => !EXPECTED.test(basename(path)));
  const pids = [box.pid, ...box.processes().map(({ pid }) => pid)];
  const processes = pids.flatMap((pid) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
  return [...files, ...processes].filter((path) => read(path).includes(text));
}

async function ask(box: DaemonBox, token: string, method: string, path: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}`, Connection: "close" };
  return (await fetch(new URL(path, box.url), { method, headers })).status;
}

describe("a running container", () => {
  it("has a token of its own, shown nowhere, that outlives a restart and ends with it; the root token stays", async () => {
    const box = openBox();
    const sent = keepStdin(box);
    await box.start();
    const go = join(box.dir, "go");
    const show = "cat /proc/self/environ /proc/$PPID/environ /proc/$PPID/cmdline";
    const uuid = await box.submit(`${show}; while ! test -e ${go}; do sleep 0.1; done; exit 3`);
    const path = `/arvados/v1/containers/${uuid}`;
    const stateIs = (state: string) =>
      box.until(
        `${uuid} is ${state}`,
        END_MS,
        async () => (await box.container(uuid)).state === state,
      );
    await stateIs("Running");
    const output = join(box.dataDir, "containers", uuid, "stdout.log");
    await box.until("it has shown what it sees", END_MS, () => read(output).includes("--detach"));

    const { systemRootToken, managementToken } = box.tokens();
    const [stdin = "", ...more] = sent();
    expect(more).toEqual([]);
    const { Env } = JSON.parse(stdin) as { Env: Record<string, string> };
    const token = Env["ARVADOS_API_TOKEN"] ?? "";
    expect(token).toMatch(new RegExp(`^v2/${uuid}-1/[0-9a-f]{64}$`));
    for (const secret of [systemRootToken, managementToken]) expect(stdin).not.toContain(secret);

    const secrets = [systemRootToken, managementToken, token.split("/")[2] ?? ""];
    const assertNowhere = () => {
      for (const secret of secrets) expect(placesOf(box, secret)).toEqual([]);
    };
    assertNowhere();
    // What is looked for would be found.
    expect(placesOf(box, uuid).map((place) => basename(place))).toContain("queue.db-wal");
    expect(existsSync(join(box.dataDir, "journal.db"))).toBe(true);

    expect(await ask(box, token, "GET", path)).toBe(200);
    expect(await ask(box, token, "GET", "/arvados/v1/containers")).toBe(403);
    expect(await ask(box, token, "POST", "/dispatch/v1/stop")).toBe(403);

    const before = box.url;
    await box.kill();
    await box.start();
    // The runner has to find the daemon again.
    expect(box.url).not.toBe(before);
    expect(await ask(box, token, "GET", path)).toBe(200);
    writeFileSync(go, "");
    await stateIs("Complete");
    expect((await box.container(uuid)).exit_code).toBe(3);
    expect(await ask(box, token, "GET", path)).toBe(403);

    const second = await box.submit("sleep 1000");
    await box.until(`${second} runs`, END_MS, async () => {
      return (await box.container(second)).state === "Running";
    });
    expect((await box.cli("cancel", second)).code).toBe(0);
    await box.until(`${second} is cancelled`, END_MS, async () => {
      return (await box.container(second)).state === "Cancelled";
    });
    assertNowhere();
  });
});
