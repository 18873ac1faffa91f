import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, realpathSync } from "node:fs";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { onTestFailed, onTestFinished } from "vitest";
import { stringify } from "yaml";
import { killAll, processesOf } from "./processes.ts";
import type { FoundProcess } from "./processes.ts";

const MAIN_PATH = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const CLOCK_PATH = fileURLToPath(new URL("box-clock.mjs", import.meta.url));
const LOOK_MS = 25;
const START_MS = 30_000;
const CLI_MS = 60_000;

export type Tree = { readonly [key: string]: string | number | boolean | Tree };

export interface Ended {
  /** 128 + 9 after SIGKILL. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line that runs. */
export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
}

export interface BoxOptions {
  /** Laid over the box's own config; the part below `Clusters.<id>`. */
  readonly config?: Tree;
  /** Instead of a folder of the box's own. */
  readonly dataDir?: string;
}

/** The built dispatcher with a data directory of its own, as an operator has it: started, killed and asked from outside. */
export class DaemonBox {
  /** The box's own folder. */
  readonly dir: string;
  readonly dataDir: string;
  readonly configPath: string;
  /** Marks what belongs to the box: container uuids begin with it. */
  readonly clusterId: string;
  readonly #logPath: string;
  readonly #clockPath: string;
  #daemon: ChildProcess | undefined;

  constructor({ config = {}, dataDir }: BoxOptions) {
    this.dir = realpathSync(mkdtempSync(join(tmpdir(), "dispatch-cloud-box-")));
    this.dataDir = dataDir ?? join(this.dir, "data");
    this.configPath = join(this.dir, "config.yml");
    this.#logPath = join(this.dir, "daemon.log");
    this.#clockPath = join(this.dir, "clock");
    this.clusterId = clusterIdOf(this.dir);
    this.configure(config);
  }

  /** Writes the config anew, for the next start. */
  configure(config: Tree): void {
    const cluster = merged(baseConfig(this.dataDir), config);
    writeFileSync(this.configPath, stringify({ Clusters: { [this.clusterId]: cluster } }));
  }

  get pid(): number {
    return this.#daemon?.pid ?? 0;
  }

  /** Sets the wall clock of the daemon's machine, also while it runs: this much (ms) ahead of the true one. */
  setClock(aheadMs: number): void {
    writeFileSync(this.#clockPath, String(aheadMs));
  }

  /** Starts the daemon without waiting for it. */
  spawnDaemon(): ChildProcess {
    const log = openSync(this.#logPath, "a");
    const args = [CLOCK_PATH, MAIN_PATH, "run", "--config", this.configPath];
    const child = spawn(process.execPath, ["--import", ...args], {
      cwd: this.dir,
      env: { ...environment(), BOX_CLOCK: this.#clockPath },
      stdio: ["ignore", log, log],
      // A session of its own, so that no signal for the test run reaches it.
      detached: true,
    });
    closeSync(log);
    this.#daemon = child;
    return child;
  }

  /** Starts the daemon and waits until it answers. */
  async start(): Promise<void> {
    this.spawnDaemon();
    await this.ready();
  }

  async ready(): Promise<void> {
    const child = this.#daemon;
    await this.until("the daemon is ready", START_MS, () => {
      if (hasEnded(child)) throw new Error(`the daemon ended: ${exitOf(child)}`);
      return this.#daemonFile()?.pid === child?.pid;
    });
  }

  /** SIGKILL; returns when the process is gone. */
  async kill(): Promise<void> {
    await this.endBy("SIGKILL");
  }

  /** Sends the signal and waits for the end; returns the exit code. */
  async endBy(signal: NodeJS.Signals): Promise<number> {
    this.#daemon?.kill(signal);
    return this.ended();
  }

  /** Waits for the daemon's end; returns the exit code. */
  async ended(timeoutMs = 30_000): Promise<number> {
    const child = this.#daemon;
    await this.until("the daemon has ended", timeoutMs, () => hasEnded(child));
    return exitOf(child);
  }

  get isRunning(): boolean {
    return this.#daemon !== undefined && !hasEnded(this.#daemon);
  }

  /** Runs `dispatch-cloud` with these arguments; the config is named by the environment. */
  async cli(...args: string[]): Promise<Ended> {
    return this.startCli(...args).ended;
  }

  startCli(...args: string[]): RunningCli {
    return this.#run(process.execPath, [MAIN_PATH, ...args]);
  }

  /** Types a line into a shell that knows `dispatch-cloud`. */
  async shell(line: string): Promise<Ended> {
    const alias = `shopt -s expand_aliases; alias dispatch-cloud="'${process.execPath}' '${MAIN_PATH}'"`;
    return this.#run("bash", ["-c", `${alias}\n${line}`]).ended;
  }

  #run(file: string, args: readonly string[]): RunningCli {
    const child = spawn(file, args, {
      cwd: this.dir,
      env: { ...environment(), ARVADOS_CONFIG: this.configPath },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: CLI_MS,
      killSignal: "SIGKILL",
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = once(child, "close").then(() => ({ code: exitOf(child), stdout, stderr }));
    return { child, ended, stdout: () => stdout };
  }

  /** Submits `sh -c SCRIPT` and returns the container's uuid. */
  async submit(script: string, ...flags: string[]): Promise<string> {
    const { code, stdout, stderr } = await this.cli("submit", ...flags, "--", "sh", "-c", script);
    if (code !== 0) throw new Error(`submit: exit ${code}: ${stderr}`);
    return stdout.trim();
  }

  get url(): string {
    return this.#daemonFile()?.url ?? "http://127.0.0.1:1";
  }

  tokens(): { systemRootToken: string; managementToken: string } {
    return JSON.parse(readFileSync(join(this.dataDir, "tokens.json"), "utf8")) as never;
  }

  /** A request with a token; `/arvados/v1/dispatch` and `/dispatch` get the management token, the rest the root's. */
  async http(method: string, path: string, body?: unknown): Promise<Response> {
    const { systemRootToken, managementToken } = this.tokens();
    const isQueue = path.startsWith("/arvados/v1/") && !path.startsWith("/arvados/v1/dispatch/");
    return fetch(new URL(path, this.url), {
      method,
      headers: {
        Authorization: `Bearer ${isQueue ? systemRootToken : managementToken}`,
        Connection: "close",
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    });
  }

  /** The JSON of a request that must succeed. */
  async api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.http(method, path, body);
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status}: ${text}`);
    return JSON.parse(text) as T;
  }

  async container(uuid: string): Promise<ContainerView> {
    return this.api("GET", `/arvados/v1/containers/${uuid}`);
  }

  async instances(): Promise<InstanceView[]> {
    const { stdout } = await this.cli("instance", "list", "--json");
    return stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as InstanceView);
  }

  /** Looks until the answer is true; throws, with the end of the daemon's log, when that takes too long. */
  async until(
    what: string,
    timeoutMs: number,
    look: () => boolean | Promise<boolean>,
  ): Promise<void> {
    const untilMs = performance.now() + timeoutMs;
    let last = "";
    for (;;) {
      try {
        if (await look()) return;
        last = "";
      } catch (error) {
        last = `: ${String(error)}`;
      }
      if (performance.now() > untilMs)
        throw new Error(`after ${timeoutMs} ms not yet: ${what}${last}`);
      await delay(LOOK_MS);
    }
  }

  /** What lives and belongs to the box, but for the daemon itself. */
  processes(): FoundProcess[] {
    const marks = [`${this.dataDir}/`, `CRUNCH_RUN_ATTEMPT=${this.clusterId}-`];
    return processesOf(marks).filter(({ pid }) => pid !== this.pid);
  }

  /** The end of the log, without the requests. */
  logTail(lines = 60): string {
    const kept = this.log()
      .split("\n")
      .filter((line) => !/ msg=(request|response) /.test(line));
    return kept.slice(-lines).join("\n");
  }

  /** What the daemon has written to standard error, in all its runs. */
  log(): string {
    return existsSync(this.#logPath) ? readFileSync(this.#logPath, "utf8") : "";
  }

  /** Leaves nothing behind; with BOX_KEEP in the environment the files stay, to look at. */
  async close(): Promise<void> {
    if (this.isRunning) await this.kill();
    await this.until("what belongs to the box is gone", 10_000, () => {
      const left = this.processes();
      killAll(left);
      return left.length === 0;
    });
    if (!process.env["BOX_KEEP"]) rmSync(this.dir, { recursive: true, force: true });
  }

  #daemonFile(): { pid: number; url: string } | undefined {
    const path = join(this.dataDir, "daemon.json");
    if (!existsSync(path)) return undefined;
    return JSON.parse(readFileSync(path, "utf8")) as { pid: number; url: string };
  }
}

export interface ContainerView {
  readonly runtime_status: { readonly error?: string };
  readonly uuid: string;
  readonly state: string;
  readonly exit_code: number | null;
  readonly priority: number;
}

export interface InstanceView {
  readonly instance: string;
  readonly worker_state: string;
  readonly idle_behavior: string;
  readonly running_container_uuids: readonly string[];
}

/** A box for the test that runs now: shows the daemon's log when that fails, and is closed with it. */
export function openBox(options: BoxOptions = {}): DaemonBox {
  const box = new DaemonBox(options);
  onTestFinished(() => box.close(), 60_000);
  onTestFailed(() => {
    process.stderr.write(`the daemon's log (${box.dir}) ends:\n${box.logTail()}\n`);
  });
  return box;
}

/** Short intervals; everything else as in config/standalone.yml. */
function baseConfig(dataDir: string): Tree {
  return {
    Services: { DispatchCloud: { InternalURLs: { "http://127.0.0.1:0/": {} } } },
    SystemLogs: { LogLevel: "debug", Format: "text" },
    DispatchCloud: {
      DataDir: dataDir,
      TimeoutStart: "3s",
      Queue: { Driver: "embedded" },
    },
    InstanceTypes: {
      small: { VCPUs: 1, RAM: "1152MiB", IncludedScratch: "8GiB", Price: 0.02 },
      large: { VCPUs: 4, RAM: "4608MiB", IncludedScratch: "32GiB", Price: 0.08 },
    },
    Containers: {
      RuntimeEngine: "process",
      CrunchRunCommand: "crunch-run",
      ReserveExtraRAM: 0,
      LocalKeepBlobBuffersPerVCPU: 0,
      StaleLockTimeout: "5s",
      CloudVMs: {
        Enable: true,
        Driver: "loopback",
        DriverParameters: { MaxInstances: 8, BootDelay: "100ms" },
        MaxInstances: 4,
        MaxConcurrentInstanceCreateOps: 4,
        MaxCloudOpsPerSecond: 50,
        DeployRunnerBinary: "",
        BootProbeCommand: "true",
        PollInterval: "300ms",
        ProbeInterval: "500ms",
        MaxProbesPerSecond: 50,
        SyncInterval: "1s",
        TimeoutIdle: "2s",
        TimeoutBooting: "30s",
        TimeoutProbe: "30s",
        TimeoutShutdown: "2s",
        TimeoutSignal: "500ms",
        TimeoutTERM: "20s",
      },
    },
  };
}

function merged(base: Tree, over: Tree): Tree {
  const result: Record<string, Tree[string]> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const before = result[key];
    const both = typeof before === "object" && typeof value === "object";
    result[key] = both && key !== "InternalURLs" ? merged(before, value) : value;
  }
  return result;
}

/** Five letters or digits, as good as unique: uuids of this box's containers begin with them. */
function clusterIdOf(dir: string): string {
  const letters = dir
    .slice(-6)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "0");
  return `z${letters.slice(-4)}`;
}

/** Nothing of a real cluster's settings. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(ARVADOS|CRUNCH_RUN|NODE_OPTIONS)/.test(name),
    ),
  );
}

function hasEnded(child: ChildProcess | undefined): boolean {
  return child === undefined || child.exitCode !== null || child.signalCode !== null;
}

function exitOf(child: ChildProcess | undefined): number {
  if (child?.signalCode === "SIGKILL") return 128 + 9;
  if (child?.signalCode) return 128;
  return child?.exitCode ?? -1;
}
