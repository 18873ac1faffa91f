import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../dist/crunch-run/main.js", import.meta.url));

export const UUID = "zzzzz-dz642-000000000000001";

export interface Answer {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CallOptions {
  /** Absent: standard input is a pipe that stays open, as from a caller that sends nothing. */
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A worker of its own: lock folder, data folder, and what was started there. */
export interface WorkerBox {
  readonly lockDir: string;
  readonly dataDir: string;
  lockPath(uuid?: string): string;
  /** Text of a file in the container's data folder; "" when there is none. */
  dataFile(name: string, uuid?: string): string;
  call(args: readonly string[], options?: CallOptions): Promise<Answer>;
  /** Ends with the box. */
  spawn(command: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** `flock(1)` holding this file until the child is killed; resolves when it does. */
  holdLock(path: string, mode?: "-x" | "-s"): Promise<ChildProcess>;
  list(): Promise<string>;
  close(): Promise<void>;
}

interface SpawnOptions {
  readonly env?: Readonly<Record<string, string>>;
}

/** `program` is the runner, where it is another than what `npm run build` makes. */
export function openWorkerBox(
  env: Readonly<Record<string, string>> = {},
  program: readonly [string, ...string[]] = [process.execPath, MAIN],
): WorkerBox {
  const [runner, ...first] = program;
  if (first[0] === MAIN && !existsSync(MAIN)) throw new Error(`${MAIN} is missing: npm run build`);
  const root = mkdtempSync(join(tmpdir(), "crunch-run-"));
  const lockDir = join(root, "lock");
  const dataDir = join(root, "data");
  mkdirSync(lockDir);
  const environment = {
    PATH: process.env["PATH"] ?? "",
    CRUNCH_RUN_LOCK_DIR: lockDir,
    CRUNCH_RUN_DATA_DIR: dataDir,
    CRUNCH_RUN_RETRY_MAX_MS: "100",
    ...env,
  };
  const children: ChildProcess[] = [];
  const box: WorkerBox = {
    lockDir,
    dataDir,
    lockPath: (uuid = UUID) => join(lockDir, `crunch-run-${uuid}.lock`),
    dataFile: (name, uuid = UUID) => readIfAny(join(dataDir, uuid, name)),
    call: (args, options = {}) =>
      collect(
        box.spawn(runner, [...first, ...args], options.env ? { env: options.env } : {}),
        options.stdin,
      ),
    spawn: (command, args, options = {}) => {
      const child = spawn(command, args, { env: { ...environment, ...options.env } });
      children.push(child);
      return child;
    },
    holdLock: async (path, mode = "-x") => {
      // With -o the command does not have the lock itself: it ends with flock's process.
      const holder = box.spawn("flock", [
        mode,
        "-o",
        path,
        "sh",
        "-c",
        "echo locked; exec sleep 1000",
      ]);
      await new Promise((resolve) => holder.stdout?.once("data", resolve));
      return holder;
    },
    list: async () => {
      const answer = await box.call(["--list"]);
      if (answer.exit !== 0) throw new Error(`--list: exit ${answer.exit}: ${answer.stderr}`);
      return answer.stdout;
    },
    close: async () => {
      for (const child of children) child.kill("SIGKILL");
      for (const pid of pidsWith(`CRUNCH_RUN_LOCK_DIR=${lockDir}`)) process.kill(pid, "SIGKILL");
      await waitUntil("the box's processes to end", () => pidsWith(lockDir).length === 0);
      rmSync(root, { recursive: true, force: true });
    },
  };
  return box;
}

function collect(child: ChildProcess, stdin: string | undefined): Promise<Answer> {
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (chunk) => (stdout += String(chunk)));
  child.stderr?.on("data", (chunk) => (stderr += String(chunk)));
  child.stdin?.on("error", () => undefined); // it ended without reading
  if (stdin !== undefined) child.stdin?.end(stdin);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exit) => resolve({ exit, stdout, stderr }));
  });
}

export function readIfAny(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** Live processes whose environment or command line has this text. */
export function pidsWith(text: string): number[] {
  const names = existsSync("/proc") ? readdirNumbers() : [];
  return names.filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
      if (/\) [ZX] /.test(stat) || pid === process.pid) return false;
      const about = ["environ", "cmdline"].map((name) =>
        readFileSync(`/proc/${pid}/${name}`, "utf8"),
      );
      return about.join("\0").includes(text);
    } catch {
      return false;
    }
  });
}

function readdirNumbers(): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Looks again and again; fails, naming what it waited for, after 15 s. */
export async function waitUntil(
  what: string,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadlineMs = Date.now() + 15_000;
  while (!(await condition())) {
    if (Date.now() > deadlineMs) throw new Error(`waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
