import type { Duplex } from "node:stream";
import { SshError } from "../drivers/ssh/port.ts";
import type { SshCommand, SshExecutor, SshResult } from "../drivers/ssh/port.ts";
import type { Report } from "../machines/worker/worker.report.ts";
import type { WorkerContext } from "../machines/worker/worker.types.ts";
import {
  agentCommand,
  deployCommand,
  killCommand,
  listCommand,
  parseAgentPlace,
  parseListing,
  startCommand,
} from "./crunch-run-commands.ts";
import type { AgentStart, RunnerCall, StdinConfig } from "./crunch-run-commands.ts";
import type { InstanceDirectory } from "./instance-directory.ts";
import type { Runner, RunnerBinary, RunnerProgress } from "./runner-binary.ts";
import { RunnerCopies } from "./runner-copies.ts";
import type { Sessions } from "./sessions.ts";

export interface WorkerCallsOptions {
  readonly clusterId: string;
  readonly sessions: Sessions;
  readonly directory: InstanceDirectory;
  readonly bootProbeCommand: string;
  readonly crunchRunCommand: string;
  readonly deployDirectory: string;
  readonly runnerBinary: RunnerBinary | undefined;
  readonly runtimeEngine: string;
  readonly extraArguments: readonly string[];
  readonly commandTimeoutMs: number;
  /** Undefined while there is nothing by which a runner of that container could be let in. */
  readonly stdinConfig: (worker: WorkerContext, containerId: string) => StdinConfig | undefined;
  readonly onConnected: (workerId: string) => void;
  /** Its runner is there and answers. */
  readonly onListed?: (worker: WorkerContext) => void;
  /** By which socket a runner there has to call the queue; undefined where it calls by the address in its config. */
  readonly apiSocketOf?: (worker: WorkerContext) => Promise<string | undefined>;
  /** Of copies that take a while. */
  readonly onRunnerProgress: (progress: RunnerProgress) => void;
  /** Cuts and redacts what comes from outside. */
  readonly clean: (text: string) => string;
}

export type CallOutcome = { readonly ok: true } | { readonly ok: false; readonly error: string };

/** `broken`: it answered, and what it said cannot be true. */
export type ListOutcome =
  | ({ readonly ok: true } & Report)
  | {
      readonly ok: false;
      readonly error: string;
      readonly broken?: boolean;
      readonly reportedCount?: number;
    };

const NO_TOKEN =
  "starting crunch-run: which attempt of the container this would be is not known, so there is no token for it";

/** The local runner's file cannot be read. */
class RunnerError extends Error {}

/** What the dispatcher does on workers, over SSH (specification §7.7 to §7.9). Never throws for what a worker does. */
export class WorkerCalls {
  readonly #options: WorkerCallsOptions;
  readonly #copies: RunnerCopies;

  constructor(options: WorkerCallsOptions) {
    this.#options = options;
    this.#copies = new RunnerCopies(({ error, ...progress }) =>
      options.onRunnerProgress({ ...progress, error: options.clean(error) }),
    );
  }

  async bootProbe(worker: WorkerContext): Promise<CallOutcome> {
    const command = this.#options.bootProbeCommand || "true";
    return this.#attempt(command, () => this.#execute(worker, command));
  }

  /** Makes sure that the runner's binary is there (specification §7.8, runner deployment). */
  async deploy(worker: WorkerContext): Promise<CallOutcome> {
    const { runnerBinary } = this.#options;
    if (!runnerBinary) return { ok: true };
    try {
      const runner = await this.#load(runnerBinary);
      const call = await this.#runner(worker);
      const sum = await this.#execute(worker, `md5sum ${call.runnerCommand}`);
      const wanted = `${runner.md5}  ${call.runnerCommand}\n`;
      if (sum.exitCode === 0 && sum.stdout === wanted && sum.stderr === "") return { ok: true };
      return await this.#attempt("installing the runner binary", () =>
        runner.gzipped ? this.#copy(worker, call, runner) : this.#write(worker, call, runner),
      );
    } catch (error) {
      return { ok: false, error: this.#words(error) };
    }
  }

  async #write(worker: WorkerContext, call: RunnerCall, runner: Runner): Promise<SshResult> {
    return this.#execute(worker, deployCommand(call), { stdin: await runner.content() });
  }

  #copy(worker: WorkerContext, call: RunnerCall, runner: Runner): Promise<SshResult> {
    return this.#copies.copy({
      instanceId: worker.instanceId,
      call,
      runner,
      execute: ({ command, ...more }) => this.#execute(worker, command, more),
    });
  }

  async list(worker: WorkerContext): Promise<ListOutcome> {
    try {
      const command = listCommand(await this.#runner(worker));
      const result = await this.#execute(worker, command);
      if (result.exitCode !== 0) return { ok: false, error: this.#failed(command, result) };
      const report = parseListing(result.stdout, this.#options.clusterId);
      this.#options.onListed?.(worker);
      if (!result.isCut) return { ok: true, ...report };
      // What it lacks may run all the same, and who prints so much has gone wrong.
      const { reportedCount } = report;
      return { ok: false, error: `${command}: it printed too much`, broken: true, reportedCount };
    } catch (error) {
      return { ok: false, error: this.#words(error) };
    }
  }

  /** `unknown`: the command was handed over, and nobody knows what became of it. */
  async start(
    worker: WorkerContext,
    containerId: string,
  ): Promise<{ outcome: "started" | "failed" | "unknown"; error: string }> {
    const { runtimeEngine, extraArguments, stdinConfig, apiSocketOf } = this.#options;
    try {
      const call = await this.#runner(worker);
      const command = startCommand(call, { runtimeEngine, extraArguments, containerId });
      const config = stdinConfig(worker, containerId);
      if (!config) return { outcome: "failed", error: NO_TOKEN };
      const ApiSocket = await apiSocketOf?.(worker);
      const stdin = JSON.stringify(ApiSocket === undefined ? config : { ...config, ApiSocket });
      const result = await this.#execute(worker, command, { stdin });
      if (result.exitCode === 0) return { outcome: "started", error: "" };
      return { outcome: "failed", error: this.#failed("starting crunch-run", result) };
    } catch (error) {
      const handedOver = error instanceof SshError && error.started;
      return { outcome: handedOver ? "unknown" : "failed", error: this.#words(error) };
    }
  }

  async kill(
    worker: WorkerContext,
    containerId: string,
    signal: number,
  ): Promise<{ gone: boolean; error: string }> {
    try {
      const command = killCommand(await this.#runner(worker), { signal, containerId });
      const result = await this.#execute(worker, command);
      if (result.exitCode === 0) return { gone: true, error: "" };
      return { gone: false, error: this.#failed(command, result) };
    } catch (error) {
      return { gone: false, error: this.#words(error) };
    }
  }

  /** Makes sure that the worker's agent lives. What is sent to it holds its secret. */
  async startAgent(
    worker: WorkerContext,
    input: (runnerSum: string) => string,
  ): Promise<AgentStart> {
    try {
      const { runnerBinary } = this.#options;
      const command = agentCommand(await this.#runner(worker));
      const runnerSum = runnerBinary ? (await this.#load(runnerBinary)).md5 : "";
      const result = await this.#execute(worker, command, { stdin: input(runnerSum) });
      const place = result.exitCode === 0 ? parseAgentPlace(result.stdout) : undefined;
      if (place) return { ok: true, place, runnerSum };
      return { ok: false, answered: true, error: this.#failed("starting the agent", result) };
    } catch (error) {
      return { ok: false, answered: false, error: this.#words(error) };
    }
  }

  /** To a Unix socket on the worker. Throws `SshError`. */
  async openStream(worker: WorkerContext, path: string): Promise<Duplex> {
    const session = this.#session(worker);
    if (!session.openStream)
      throw new SshError("refused", "ssh: this way knows no streams", { started: false });
    return session.openStream(path, { timeoutMs: this.#options.commandTimeoutMs });
  }

  async #runner(worker: WorkerContext): Promise<RunnerCall> {
    const { runnerBinary, deployDirectory, crunchRunCommand } = this.#options;
    const { remoteUser } = this.#target(worker);
    if (!runnerBinary) return { runnerCommand: crunchRunCommand, remoteUser };
    const { md5 } = await this.#load(runnerBinary);
    return { runnerCommand: `${deployDirectory}/crunch-run~${md5}`, remoteUser };
  }

  #target({ instanceId, address }: WorkerContext): { address: string; remoteUser: string } {
    const remoteUser = this.#options.directory.get(instanceId)?.remoteUser;
    // Until the first list of this run nobody knows whose login it is.
    return remoteUser === undefined ? { address: "", remoteUser: "" } : { address, remoteUser };
  }

  async #execute(
    worker: WorkerContext,
    command: string,
    { extraMs = 0, ...more }: Pick<SshCommand, "stdin" | "onSent"> & { extraMs?: number } = {},
  ): Promise<SshResult> {
    const timeoutMs = this.#options.commandTimeoutMs + extraMs;
    return this.#session(worker).execute({ command, timeoutMs, ...more });
  }

  #session(worker: WorkerContext): SshExecutor {
    const { sessions, onConnected } = this.#options;
    return sessions.of(worker.instanceId, this.#target(worker), () => onConnected(worker.workerId));
  }

  async #attempt(what: string, run: () => Promise<SshResult>): Promise<CallOutcome> {
    try {
      const result = await run();
      return result.exitCode === 0
        ? { ok: true }
        : { ok: false, error: this.#failed(what, result) };
    } catch (error) {
      return { ok: false, error: this.#words(error) };
    }
  }

  #failed(what: string, { exitCode, stderr, stdout }: SshResult): string {
    const said = (stderr.trim() || stdout.trim()).replaceAll("\n", " ");
    return this.#options.clean(`${what}: exit status ${exitCode}${said ? `: ${said}` : ""}`);
  }

  /** Rethrows what neither SSH nor the runner's file made: that is a bug, not a worker's failure. */
  #words(error: unknown): string {
    if (error instanceof SshError || error instanceof RunnerError)
      return this.#options.clean(error.message);
    throw error;
  }

  async #load(binary: RunnerBinary): Promise<Runner> {
    try {
      return await binary.load();
    } catch (cause) {
      throw new RunnerError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
  }
}
