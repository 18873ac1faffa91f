import type { InstanceSet } from "../drivers/cloud/port.ts";
import type { Journal } from "../drivers/journal/port.ts";
import type { Queue } from "../drivers/queue/port.ts";
import type { Core } from "../machines/core/core.ts";
import type { Change } from "../machines/core/draft.ts";
import type { Command, CommandKind } from "../machines/model/command.ts";
import { paceOf, type Pace, type Settings } from "../machines/model/settings.ts";
import type { AgentEvent, AgentPorts } from "./agent-ports.ts";
import { Agents } from "./agents.ts";
import type { Clock } from "./clock.ts";
import { Effects } from "./effects.ts";
import { InstanceListFeed } from "./feeds/instance-list.feed.ts";
import { ProbeFeed } from "./feeds/probe.feed.ts";
import { QueuePollFeed } from "./feeds/queue-poll.feed.ts";
import type { InstanceDirectory } from "./instance-directory.ts";
import { tagNames } from "./instance-tags.ts";
import type { RunnerBinary, RunnerProgress } from "./runner-binary.ts";
import { Sessions } from "./sessions.ts";
import type { OpenSession } from "./sessions.ts";
import { Supervisor } from "./supervisor.ts";
import type { Released, SupervisorObserver } from "./supervisor.ts";
import { WorkerCalls } from "./worker-calls.ts";
import type { WorkerCallsOptions } from "./worker-calls.ts";

/** What the shell around the core is told of the configuration; the core has its own part of it (`settings`). */
export interface DispatcherConfig extends Pace {
  readonly settings: Settings;
  readonly configHash: string;
  readonly version: string;
  readonly instanceSetId: string;
  readonly tagKeyPrefix: string;
  readonly imageId: string;
  readonly initCommand: string;
  readonly publicKey: string | null;
  readonly bootProbeCommand: string;
  readonly crunchRunCommand: string;
  readonly deployDirectory: string;
  readonly runtimeEngine: string;
  readonly extraArguments: readonly string[];
  readonly cloudTimeoutMs: number;
  readonly queueTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly checkpointRecords: number;
}

export interface DispatcherObserver extends SupervisorObserver {
  commandEnded(kind: CommandKind, ok: boolean): void;
  commandFailed(command: Command, message: string): void;
  runProbeEnded(outcome: "success" | "fail", durationMs: number): void;
  /** "" when it went well. */
  listEnded(failure: string): void;
  pollEnded(failure: string): void;
  /** Of a copy that takes a while; absent where no runner is deployed. */
  runnerProgressed?(progress: RunnerProgress): void;
  /** Of a worker's agent; absent where there are none. */
  agentChanged?(instanceId: string, event: AgentEvent): void;
}

export interface DispatcherOptions {
  readonly config: DispatcherConfig;
  readonly core: Core;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly cloud: InstanceSet;
  readonly queue: Queue;
  readonly openSession: OpenSession;
  readonly directory: InstanceDirectory;
  readonly runnerBinary: RunnerBinary | undefined;
  readonly stdinConfig: WorkerCallsOptions["stdinConfig"];
  /** Absent where runners reach the queue by themselves. */
  readonly agents?: AgentPorts | undefined;
  readonly secretOf: (commandId: string) => string;
  readonly random: () => number;
  readonly defer: (flush: () => void) => void;
  readonly stopwatchMs: () => number;
  readonly clean: (text: string) => string;
  readonly observer: DispatcherObserver;
}

/** The daemon without its process: the supervisor with its effects and feeds, on whatever ports and clock it is given. */
export class Dispatcher {
  readonly supervisor: Supervisor;
  readonly #options: DispatcherOptions;
  readonly #sessions: Sessions;
  readonly #agents: Agents | undefined;
  readonly #effects: Effects;
  readonly #list: InstanceListFeed;
  readonly #probe: ProbeFeed;
  readonly #poll: QueuePollFeed;

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const { config, clock, observer, directory, cloud, queue, clean } = options;
    const names = tagNames(config.tagKeyPrefix);
    const broke = (error: unknown): void => observer.broke(error);
    this.supervisor = new Supervisor({
      ...options,
      checkpointRecords: config.checkpointRecords,
      watermarks: {
        answeredAtMs: (workerId) => this.#probe.answeredAtMs(workerId),
        polledSeq: () => this.#poll.polledSeq(),
        answeredSeq: () => this.#poll.answeredSeq(),
        seen503AtMs: () => queue.last503AtMs(),
      },
    });
    const { supervisor } = this;
    this.#sessions = new Sessions(options.openSession);
    const calls: WorkerCalls = new WorkerCalls({
      ...config,
      ...options,
      clusterId: config.settings.clusterId,
      sessions: this.#sessions,
      onConnected: (workerId) => void supervisor.submit({ type: "ssh.connected", workerId }),
      onRunnerProgress: (progress) => observer.runnerProgressed?.(progress),
      onListed: (worker) => this.#agents?.want(worker),
      apiSocketOf: async (worker) => this.#agents?.apiSocketOf(worker),
    });
    this.#agents = options.agents && this.#makeAgents(options.agents, calls);
    this.#probe = new ProbeFeed({
      ...config,
      supervisor,
      clock,
      calls,
      random: options.random,
      isListed: (instanceId) => directory.get(instanceId) !== undefined,
      onRunProbe: (outcome, durationMs) => observer.runProbeEnded(outcome, durationMs),
      broke,
    });
    this.#list = new InstanceListFeed({
      ...config,
      supervisor,
      clock,
      cloud,
      directory,
      tagNames: names,
      timeoutMs: config.cloudTimeoutMs,
      secretOf: options.secretOf,
      lastGoodProbeAtMs: (workerId) => this.#probe.lastGoodProbeAtMs(workerId),
      onOutcome: (failure) => observer.listEnded(clean(failure)),
      broke,
    });
    this.#poll = new QueuePollFeed({
      ...config,
      supervisor,
      clock,
      queue,
      clean,
      timeoutMs: config.queueTimeoutMs,
      answeredSeq: () => this.#probe.answeredSeq(),
      onOutcome: (failure) => observer.pollEnded(clean(failure)),
      broke,
    });
    this.#effects = new Effects({
      ...config,
      ...options,
      supervisor,
      calls,
      tagNames: names,
      observer: { ...bound(observer), commandEnded: (kind, ok) => this.#commandEnded(kind, ok) },
    });
    supervisor.released.subscribe((released) => this.#follow(released));
  }

  #makeAgents(ports: AgentPorts, calls: WorkerCalls): Agents {
    const { clock, observer } = this.#options;
    return new Agents({
      ...ports,
      calls,
      clock,
      worker: (workerId) => this.supervisor.known.get("worker", workerId)?.context,
      onEvent: (instanceId, event) => observer.agentChanged?.(instanceId, event),
      broke: (error) => observer.broke(error),
    });
  }

  /** Takes the configuration and the start in, then lets the feeds run. Resolves when the start is durable. */
  async start(): Promise<void> {
    const { config } = this.#options;
    const { settings, configHash: hash, version } = config;
    void this.supervisor.submit({ type: "config.loaded", hash, settings, pace: paceOf(config) });
    const journalId = this.#options.journal.id;
    void this.supervisor.submit({ type: "daemon.started", version, journalId });
    await this.supervisor.submit({ type: "lease.acquired" });
    this.#list.start();
    this.#poll.start();
    this.#probe.start();
  }

  /** Leaves workers and containers alone; what is pending is made durable. */
  async stop(): Promise<void> {
    this.#list.stop();
    this.#poll.stop();
    this.#probe.stop();
    this.#effects.stop();
    this.#agents?.stop();
    await this.supervisor.stop();
    this.#sessions.closeAll();
  }

  /** For the gauge of specification §12. */
  lastGoodProbeAtMs(workerId: string): number {
    return this.#probe.lastGoodProbeAtMs(workerId);
  }

  #commandEnded(kind: CommandKind, ok: boolean): void {
    this.#options.observer.commandEnded(kind, ok);
    if (kind === "instance.destroy" && ok) this.#list.soon();
  }

  #follow({ changes }: Released): void {
    for (const change of changes) {
      if (change.kind === "worker") this.#followWorker(change);
      else if (change.kind === "container" && hasExited(change)) this.#poll.soon();
    }
  }

  #followWorker({ after, removed }: Change): void {
    if (!removed) return;
    const { instanceId } = after.context as { instanceId: string };
    this.#agents?.drop(instanceId);
    this.#sessions.close(instanceId);
    this.#options.directory.delete(instanceId);
  }
}

/** Its record has to be read before the exit may be judged (specification §4.2). */
function hasExited({ before, after }: Change): boolean {
  const process = (snapshot: Change["before"]): unknown =>
    (snapshot?.value as { process?: unknown } | undefined)?.process;
  return process(after) === "exited" && process(before) !== "exited";
}

function bound(observer: DispatcherObserver): Pick<DispatcherObserver, "commandFailed" | "broke"> {
  return {
    commandFailed: (command, message) => observer.commandFailed(command, message),
    broke: (error) => observer.broke(error),
  };
}
