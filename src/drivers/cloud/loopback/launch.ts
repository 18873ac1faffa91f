import { formatSpan } from "../../../machines/model/amounts.ts";
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { makeKeyPair } from "../../ssh/key-pair.ts";
import { shellWord } from "../../ssh/port.ts";
import { SECRET_PATH } from "../../ssh/tag-verifier.ts";
import { reasonIn } from "./log-reason.ts";
import type { SetTimer } from "./reaper.ts";
import { instancePaths, writeInstanceRecord, type InstanceRecord } from "./state.ts";

export interface LaunchOptions {
  readonly stateDir: string;
  readonly record: InstanceRecord;
  readonly initCommand: string;
  readonly crunchRunPath: string;
  readonly instancePath: string;
  readonly searchPath: string;
  readonly setTimer: SetTimer;
  readonly signal: AbortSignal;
}

const START_TIMEOUT_MS = 30_000;

/** Makes the instance's folder and starts its process; returns when that has taken over. Leaves what it made if it fails. */
export async function launchInstance(options: LaunchOptions): Promise<void> {
  const { stateDir, record } = options;
  const paths = instancePaths(stateDir);
  for (const folder of [stateDir, paths.lockDir, paths.binDir]) mkdirSync(folder, { mode: 0o700 });
  // RSA would take 100 ms longer at each start of the instance.
  const hostKey = makeKeyPair();
  writeFileSync(paths.hostKey, hostKey.private, { mode: 0o600 });
  writeFileSync(paths.hostKeyPublic, hostKey.public);
  const initScript = withoutSecret(options.initCommand);
  if (initScript.trim() !== "") writeFileSync(paths.initScript, initScript, { mode: 0o600 });
  const launcher = `#!/bin/sh\nexec ${shellWord(process.execPath)} ${shellWord(options.crunchRunPath)} "$@"\n`;
  writeFileSync(paths.launcher, launcher, { mode: 0o700 });
  writeInstanceRecord(stateDir, record);

  const log = openSync(paths.log, "a", 0o600);
  const child = spawn(process.execPath, [options.instancePath, stateDir], {
    cwd: stateDir,
    detached: true,
    // The dispatcher's own environment may hold secrets. The reaper finds the process by its lock folder.
    env: { ...environment(options.searchPath), CRUNCH_RUN_LOCK_DIR: paths.lockDir },
    stdio: ["ignore", log, log, "ipc"],
  });
  closeSync(log);
  await started(child, options);
  child.unref();
}

function started(child: ChildProcess, options: LaunchOptions): Promise<void> {
  const { setTimer, signal, stateDir } = options;
  return new Promise<void>((resolve, reject) => {
    const fail = (text: string) => {
      const reason = reasonIn(readFileSync(instancePaths(stateDir).log, "utf8"));
      settle(() => reject(new Error(`loopback instance: ${text}: ${reason}`)));
    };
    const onAbort = () => settle(() => reject(signal.reason as Error));
    const onMessage = () => settle(resolve);
    const onError = (error: Error) => fail(error.message);
    const onExit = (code: number | null, by: string | null) =>
      fail(`ended too early (${code ?? by})`);
    const cancelTimer = setTimer(START_TIMEOUT_MS, () =>
      fail(`did not start within ${formatSpan(START_TIMEOUT_MS)}`),
    );
    const settle = (action: () => void) => {
      cancelTimer();
      signal.removeEventListener("abort", onAbort);
      child.off("message", onMessage).off("exit", onExit);
      action();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    // The listener for errors stays: without one an error would end the dispatcher.
    child.on("message", onMessage).on("exit", onExit).on("error", onError);
  });
}

/**
 * The boot script's line that writes the instance's secret (specification §7.6) would write to this machine's own /var/run. It
 * is not needed: the driver knows the host key. Its umask stays, as the commands after it would see it.
 */
function withoutSecret(initCommand: string): string {
  return initCommand
    .split("\n")
    .map((line) => (line.includes(SECRET_PATH) ? "umask 0177" : line))
    .join("\n")
    .replace(/^umask 0177\s*$/, "");
}

function environment(searchPath: string): NodeJS.ProcessEnv {
  const { username, homedir } = userInfo();
  return { PATH: searchPath, HOME: homedir, USER: username, LOGNAME: username };
}
