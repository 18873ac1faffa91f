// The process that is a loopback instance: node instance.js <state folder>. It outlives the dispatcher that started it
// and ends when it is told to, or when its folder is gone. Imports are few: each instance costs their memory again.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { identify } from "./process-table.ts";
import { instancePaths, readInstanceRecord, writeProcessRecord } from "./state.ts";

const FOLDER_CHECK_MS = 2000;
const INIT_TIMEOUT_MS = 600_000;

async function main(stateDir: string | undefined): Promise<void> {
  const identity = identify(process.pid);
  if (!identity) throw new Error("loopback instances need Linux: there is no /proc");
  const record = stateDir === undefined ? undefined : readInstanceRecord(stateDir);
  if (!record || stateDir === undefined) {
    throw new Error(
      `${stateDir ?? "no folder given"}: no instance.json; expected: instance FOLDER`,
    );
  }
  const paths = instancePaths(stateDir);
  process.on("SIGTERM", () => process.exit(0));
  process.on("SIGHUP", () => {});
  writeProcessRecord(stateDir, { ...identity, port: null });
  tellStarted();
  setInterval(() => {
    if (!existsSync(paths.record)) process.exit(0);
  }, FOLDER_CHECK_MS);

  await new Promise((resolve) => setTimeout(resolve, record.bootDelayMs));
  const env = {
    // As sshd has it; the rest of this process's environment is nobody's business.
    ...pick(process.env, ["HOME", "USER", "LOGNAME"]),
    PATH: `${paths.binDir}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
    CRUNCH_RUN_LOCK_DIR: paths.lockDir,
    CRUNCH_RUN_DATA_DIR: record.containersDir,
  };
  if (existsSync(paths.initScript)) await runInit(paths.initScript, stateDir, env);
  const { startInstanceServer } = await import("./instance-server.ts");
  const port = await startInstanceServer({
    hostKey: readFileSync(paths.hostKey),
    authorizedKey: record.authorizedKey,
    env,
    workDir: stateDir,
  });
  writeProcessRecord(stateDir, { ...identity, port });
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, env[name] ?? ""]));
}

/** Its outcome only goes to the log, as cloud-init's does. */
async function runInit(script: string, workDir: string, env: NodeJS.ProcessEnv): Promise<void> {
  const init = spawn("/bin/sh", [script], {
    env,
    cwd: workDir,
    stdio: ["ignore", "inherit", "inherit"],
    timeout: INIT_TIMEOUT_MS,
  });
  const [exitCode, signal] = (await once(init, "close")) as [number | null, string | null];
  process.stderr.write(`init command: exit status ${exitCode ?? signal ?? "unknown"}\n`);
}

/** The driver waits for it, if it still lives. */
function tellStarted(): void {
  if (!process.connected) return;
  process.send?.("started", () => {
    if (process.connected) process.disconnect();
  });
}

main(process.argv[2]).catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
