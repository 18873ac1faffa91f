import { spawn, type ChildProcess } from "node:child_process";
import { constants, fstatSync, ftruncateSync, openSync, readFileSync, statSync } from "node:fs";
import { closeSync, writeSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { NO_DETACH } from "../flags.ts";
import { flock } from "../flock.ts";
import { errorCode, errorText, RunnerError } from "../paths.ts";
import { hasOpen } from "../process-table.ts";
import { openAgent } from "./agent.ts";
import { AgentLog } from "./agent-log.ts";
import { type AgentPaths, prepareDirectory } from "./directory.ts";
import { type Identity, makeNonce, present, Refused } from "./handshake.ts";

/** Descriptors that the child inherits beside stdin, stdout and stderr. */
const LOCK_FD = 3;
const READY_FD = 4;

const READY_TIMEOUT_MS = 20_000;
/** One that has the lock and does not answer so long hangs, or has never come to listen. */
const SILENT_MS = 5_000;
const END_MS = 2_000;
const LOOK_PAUSE_MS = 100;

/** What the dispatcher sends on standard input: its secret must not be seen in a list of processes. */
export function parseIdentity(text: string): Identity {
  try {
    const { secret, runner } = JSON.parse(text) as Record<string, unknown>;
    if (typeof secret === "string" && secret.length >= 16 && typeof runner === "string")
      return { secret, runner };
  } catch {
    // The parser's message would quote the secret.
  }
  throw new RunnerError('standard input: expected {"secret":"…","runner":"…"} with --agent');
}

/**
 * Sees to it that an agent of this identity lives, and returns the line that tells where: one that lives already, or one that is
 * started now, in the place of one with another secret or runner, or of one that does not answer.
 */
export async function startAgent(
  given: string,
  program: readonly string[],
  stdin: Buffer,
): Promise<string> {
  const identity = parseIdentity(stdin.toString("utf8"));
  const paths = prepareDirectory(given);
  const lockFd = openLock(paths.lock);
  const tellsWhere = `${JSON.stringify({ AgentSocket: paths.agentSocket, ApiSocket: paths.apiSocket })}\n`;
  if (await isServed(paths, identity, lockFd)) return tellsWhere;
  const log = new AgentLog(paths.log);
  const [command = "", ...rest] = [...program, NO_DETACH, "--agent", paths.directory];
  const stdio = ["pipe", log.fd, log.fd, lockFd, "pipe"] as const;
  const child = spawn(command, rest, { stdio: [...stdio], detached: true, cwd: "/" });
  child.stdin?.on("error", () => {}).end(stdin);
  try {
    await ready(child, paths.log);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  return tellsWhere;
}

/** False with the lock taken, for a new agent. */
async function isServed(paths: AgentPaths, identity: Identity, lockFd: number): Promise<boolean> {
  const silentAtMs = performance.now() + SILENT_MS;
  while (!flock(lockFd, "exclusive")) {
    const seen = await look(paths.agentSocket, identity);
    if (seen === "ours") return true;
    const isSilent = seen === "nobody" && performance.now() > silentAtMs;
    if (seen === "another" || isSilent) return endHolder(paths.lock, lockFd);
    await delay(LOOK_PAUSE_MS);
  }
  return false;
}

async function look(path: string, identity: Identity): Promise<"ours" | "another" | "nobody"> {
  const stream = connect(path);
  // What goes wrong ends the handshake.
  stream.on("error", () => {});
  try {
    await present(stream, identity, { role: "look", session: makeNonce() });
    return "ours";
  } catch (error) {
    return error instanceof Refused ? "another" : "nobody";
  } finally {
    stream.destroy();
  }
}

/** Ends who has the lock, if it is what wrote its pid there. Returns false, with the lock taken. */
async function endHolder(path: string, lockFd: number): Promise<false> {
  const pid = Number(readFileSync(path, "utf8"));
  const isHolder = Number.isInteger(pid) && pid > 1 && holds(pid, path);
  if (!isHolder) throw new RunnerError(`lock ${path}: held by a process that is no agent`);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (errorCode(error) !== "ESRCH") throw new RunnerError(`agent ${pid}: ${errorText(error)}`);
    }
    const untilMs = performance.now() + END_MS;
    while (performance.now() < untilMs) {
      if (flock(lockFd, "exclusive")) return false;
      await delay(LOOK_PAUSE_MS);
    }
  }
  throw new RunnerError(`agent ${pid} does not end by SIGKILL`);
}

function holds(pid: number, path: string): boolean {
  try {
    return hasOpen(pid, statSync(path));
  } catch {
    return false; // it has ended, or is another user's
  }
}

function openLock(path: string): number {
  try {
    return openSync(path, constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW, 0o600);
  } catch (error) {
    throw new RunnerError(`lock ${path}: ${errorText(error)}`, { cause: error });
  }
}

function ready(child: ChildProcess, logPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      clearTimeout(timer);
      reject(new RunnerError(`the agent ${what}; see ${logPath}`));
    };
    const timer = setTimeout(() => fail("was not ready in time"), READY_TIMEOUT_MS);
    child.once("error", (error) => fail(`could not be started: ${errorText(error)}`));
    child.once("exit", (code, signal) => fail(`ended at once (${signal ?? `exit ${code}`})`));
    (child.stdio[READY_FD] as Socket | null)?.once("data", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** In the child: the agent itself, with the lock that it was given. Returns the exit code once it ends. */
export async function serveAgent(given: string, stdin: Buffer): Promise<number> {
  const identity = parseIdentity(stdin.toString("utf8"));
  const paths = prepareDirectory(given);
  if (!isLock(paths.lock)) throw new RunnerError("the agent is started by --agent alone");
  process.umask(0o177);
  const log = new AgentLog(paths.log);
  ftruncateSync(LOCK_FD, 0);
  writeSync(LOCK_FD, `${process.pid}\n`, 0);
  const agent = await openAgent({ paths, identity, log: log.write });
  const told = new Promise<string>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const)
      process.once(signal, () => resolve(signal));
  });
  // A session that ends, or a terminal that closes, is none of its business.
  process.on("SIGHUP", () => {});
  try {
    writeSync(READY_FD, "ready\n");
    closeSync(READY_FD);
  } catch {
    // Who started it has gone; the next one finds it.
  }
  const reason = await Promise.race([told, agent.lonely.then(() => "no dispatcher")]);
  log.write(`agent pid ${process.pid} ends: ${reason}`);
  agent.close();
  return 0;
}

function isLock(path: string): boolean {
  try {
    const open = fstatSync(LOCK_FD);
    const named = statSync(path);
    return open.dev === named.dev && open.ino === named.ino;
  } catch {
    return false; // not open, or no such file
  }
}
