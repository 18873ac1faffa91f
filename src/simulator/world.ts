import { filter, firstValueFrom } from "rxjs";
import { Dispatcher } from "../actors/dispatcher.ts";
import { steadyTime } from "../actors/clock.ts";
import type { Clock } from "../actors/clock.ts";
import type { DispatcherConfig, DispatcherObserver } from "../actors/dispatcher.ts";
import { InstanceDirectory } from "../actors/instance-directory.ts";
import { tagNames } from "../actors/instance-tags.ts";
import { recoverCore } from "../actors/recover.ts";
import type { Journal } from "../drivers/journal/port.ts";
import { SshError } from "../drivers/ssh/port.ts";
import type { SshCommand, SshExecutor, SshResult, SshTarget } from "../drivers/ssh/port.ts";
import type { Core } from "../machines/core/core.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import { Chance } from "./chance.ts";
import { noFaults } from "./faults.ts";
import type { Faults } from "./faults.ts";
import { CloudHistory, DOWN_MAX_MS, FaultyCloud } from "./faulty-cloud.ts";
import { faultyJournal } from "./faulty-journal.ts";
import { FaultyQueue } from "./faulty-queue.ts";
import { FaultySession } from "./faulty-session.ts";
import { Lifeline, never } from "./lifeline.ts";
import { SimulatedCloud } from "./simulated-cloud.ts";
import { SimulatedQueue } from "./simulated-queue.ts";
import { SimulatedVm } from "./simulated-vm.ts";
import type { VmBehavior } from "./simulated-vm.ts";
import { VirtualClock } from "./virtual-clock.ts";
import type { WorldEvent, WorldTale } from "./world-event.ts";

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };
const HOUR_MS = 3_600_000;
const YEAR_MS = 365 * 24 * HOUR_MS;

export interface WorldOptions {
  readonly seed: number;
  readonly config: DispatcherConfig;
  /** Opens the journal; called anew at every start of the dispatcher, with the clock of that run. */
  readonly openJournal: (clock: Clock) => Journal;
  readonly behaviorOf: (vm: {
    index: number;
    type: InstanceType;
    nowMs: number;
    chance: Chance;
  }) => VmBehavior;
  readonly maxDispatchAttempts?: number;
  /** Greatest time a call takes. */
  readonly latencyMaxMs?: number;
  readonly faults?: Faults;
  readonly onEvent?: (event: WorldEvent) => void;
  /** `onEvent` hears only of these; of all where it is left out. Most events by far are answers to probes. */
  readonly eventTypes?: ReadonlySet<WorldEvent["type"]>;
}

/** The daemon's very code on a virtual clock, against a simulated cloud, queue and workers. */
export class World {
  readonly clock = new VirtualClock(1_767_225_600_000);
  readonly chance: Chance;
  readonly queue: SimulatedQueue;
  readonly cloud: SimulatedCloud;
  readonly bugs: unknown[] = [];
  /** Failures of commands, by kind and message. */
  readonly failures = new Map<string, number>();
  /** What the next start of the dispatcher finds. */
  config: DispatcherConfig;
  dispatcher: Dispatcher | undefined;
  journal: Journal | undefined;
  readonly faults: Faults;
  /** Its journal is lost with the run that is killed. */
  forgets = false;
  /** The newest record at which a start could not go on from what was recorded; -1 where all could. */
  forgotSeq = -1;
  /** What the wall clock of the dispatcher's machine is ahead of the world's by. */
  #wallOffsetMs = 0;
  readonly #history = new CloudHistory();
  #lifeline = new Lifeline();
  #queueOfRun: FaultyQueue | undefined;
  readonly #latencyMs: () => number;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.config = options.config;
    const { clock } = this;
    this.chance = new Chance(options.seed);
    this.#latencyMs = () => this.chance.between(0, options.latencyMaxMs ?? 0);
    this.faults = options.faults ?? noFaults();
    this.faults.onFault = (kind) => this.#tell({ type: "fault.happened", kind });
    const tell = (tale: WorldTale): void => this.#tell(tale);
    const latencyMs = this.#latencyMs;
    const random = (): number => this.chance.next();
    this.queue = new SimulatedQueue({
      clock,
      latencyMs,
      tell,
      maxDispatchAttempts: options.maxDispatchAttempts ?? 10,
    });
    let index = 0;
    const { instanceSecret } = tagNames(options.config.tagKeyPrefix);
    this.cloud = new SimulatedCloud({
      clock,
      random,
      latencyMs,
      creatorOf: (tags) => (tags[instanceSecret] ?? "").slice(secretOf("").length),
      tell,
      makeVm: ({ instanceId, type }) => {
        const vm = { index: index++, type, nowMs: clock.nowMs(), chance: this.chance };
        const behavior = options.behaviorOf(vm);
        const { queue } = this;
        return new SimulatedVm({ instanceId, clock, queue, behavior, random, latencyMs, tell });
      },
    });
  }

  #tell(tale: WorldTale): void {
    if (tale.type === "process.detached") this.#queueOfRun?.hurry(tale.containerId);
    const { onEvent, eventTypes } = this.#options;
    if (eventTypes?.has(tale.type) !== false) onEvent?.({ ...tale, atMs: this.clock.nowMs() });
  }

  get alive(): boolean {
    return this.#lifeline.alive && this.dispatcher !== undefined;
  }

  /** Starts the dispatcher on what the journal holds, as the daemon does. */
  async start(): Promise<void> {
    const lifeline = (this.#lifeline = new Lifeline());
    const { faults } = this;
    this.forgets = false;
    const clock = this.#dispatchersClock(lifeline);
    const opened = this.#options.openJournal(clock);
    const kill = (): void => void this.kill();
    const journal = faultyJournal({ journal: opened, faults, clock, lifeline, kill });
    const core = this.#recover(journal);
    const cloud = new FaultyCloud({
      cloud: this.cloud,
      faults,
      clock,
      history: this.#history,
      secretTag: tagNames(this.config.tagKeyPrefix).instanceSecret,
      worldClock: this.clock,
      tell: (tale) => this.#tell(tale),
      patienceMs: this.config.settings.staleLockTimeoutMs,
    });
    const queue = (this.#queueOfRun = new FaultyQueue({
      queue: this.queue,
      faults,
      clock,
      seq: () => core.seq,
      onPolled: (beganSeq) => this.#tell({ type: "queue.polled", beganSeq }),
    }));
    const dispatcher = new Dispatcher({
      config: this.config,
      core,
      journal,
      clock,
      cloud: lifelined(cloud, lifeline),
      queue: lifelined(queue, lifeline),
      openSession: (instanceId, target, onConnected) =>
        this.#openSession({ instanceId, target, onConnected, clock, lifeline }),
      directory: new InstanceDirectory(),
      runnerBinary: undefined,
      stdinConfig: () => ({ Env: {}, KeepBuffers: 0, EC2SpotCheck: false, Cluster: null }),
      secretOf,
      random: () => this.chance.next(),
      defer: (flush) => void clock.setTimer(0, flush),
      stopwatchMs: () => 0,
      clean: (text) => text,
      observer: this.#observer(),
    });
    this.dispatcher = dispatcher;
    this.journal = journal;
    this.#tell({ type: "daemon.started", clockOffsetMs: this.#wallOffsetMs });
    dispatcher.supervisor.released.subscribe((released) =>
      this.#tell({ type: "record.released", ...released }),
    );
    this.queue.comeUp();
    const started = dispatcher.start();
    let isUp = false;
    void started.then(() => (isUp = true));
    await this.clock.run({ untilMs: Infinity, done: () => isUp || !lifeline.alive });
  }

  /** As the daemon does. A journal that is refused is closed again. */
  #recover(journal: Journal): Core {
    try {
      const { core, isWhole } = recoverCore(journal, SILENT);
      if (!isWhole) this.faults.count("journalLost");
      // Another journal, or an older one, may not have come as far.
      if (!isWhole) this.forgotSeq = core.seq;
      else if (core.seq < this.forgotSeq) this.forgotSeq = -1;
      return core;
    } catch (error) {
      void journal.close();
      throw error;
    }
  }

  /** Somebody sets the wall clock of the dispatcher's machine. */
  setWallClock(): void {
    this.#wallOffsetMs = this.faults.chance("clockJumps").between(-HOUR_MS, HOUR_MS);
  }

  /** Its battery was dead, or is new. */
  setWallYear(): void {
    this.#wallOffsetMs = (this.faults.chance("clockYears").pick([-1, 0, 1]) ?? 0) * YEAR_MS;
  }

  /** From now on the cloud answers nothing, for some minutes. */
  silenceCloud(): void {
    const downMs = this.faults.chance("startsBlind").between(0, DOWN_MAX_MS);
    this.#history.downUntilMs = this.clock.nowMs() + downMs;
  }

  /** It is killed, and the next run finds no journal, and a list that lacks an instance that runs something. */
  forgetAll(): void {
    this.forgets = true;
    this.faults.count("journalLost");
    this.hideBusy();
    void this.kill();
  }

  /** The next list lacks an instance that runs something. */
  hideBusy(): void {
    this.#history.hidesBusy = true;
  }

  /** As the daemon's. A killed dispatcher's timers never fire again. */
  #dispatchersClock(lifeline: Lifeline): Clock {
    const { clock } = this;
    return {
      nowMs: steadyTime({
        wallMs: () => clock.nowMs() + this.#wallOffsetMs,
        monotonicMs: () => clock.nowMs(),
      }),
      setTimer: (delayMs, callback) =>
        clock.setTimer(delayMs, () => {
          if (lifeline.alive) callback();
        }),
    };
  }

  /** As an operator does. To drain is to wait until no worker is left and nothing of ours waits. */
  async stop(drain: boolean): Promise<void> {
    const { dispatcher } = this;
    if (!this.alive || !dispatcher) return;
    const { supervisor } = dispatcher;
    await supervisor.submit({ type: "stop.requested", drain, reason: "for a test" });
    const isDrained = (): boolean => supervisor.readModel.isDrained();
    if (drain && !isDrained()) {
      const drained = supervisor.released.pipe(filter(isDrained));
      await firstValueFrom(drained, { defaultValue: undefined });
    }
    await dispatcher.stop();
    if (this.dispatcher === dispatcher) await this.kill();
  }

  /** As `kill -9`: what was not durable is lost, and nobody says good-bye. */
  async kill(): Promise<void> {
    this.#lifeline.cut();
    this.dispatcher = undefined;
    if (this.faults.happens("queueDown")) this.queue.goDown();
    this.#tell({ type: "daemon.killed" });
    await this.journal?.close();
  }

  #openSession(connection: {
    instanceId: string;
    target: SshTarget;
    onConnected: () => void;
    clock: Clock;
    lifeline: Lifeline;
  }): SshExecutor {
    const { instanceId, target, onConnected, clock, lifeline } = connection;
    const vm = this.cloud.vm(instanceId);
    if (!vm) return noRoute(lifeline);
    const session = new FaultySession(target, {
      session: vm.open(),
      faults: this.faults,
      clock,
      worldClock: this.clock,
      address: () => this.cloud.addressOf(instanceId),
      latencyMs: this.#latencyMs,
      onAsked: () => this.#tell({ type: "vm.asked", instanceId }),
      onMissed: (address) => this.#tell({ type: "vm.missed", instanceId, address }),
      onListed: () => this.#tell({ type: "vm.listed", instanceId }),
    });
    let connected = false;
    const execute = async (command: SshCommand): Promise<SshResult> => {
      const result = await session.execute(command);
      if (!connected) onConnected();
      connected = true;
      return result;
    };
    return {
      setTarget: (changed) => session.setTarget(changed),
      close: () => session.close(),
      execute: (command) => lifeline.call(() => execute(command)),
    };
  }

  #observer(): DispatcherObserver {
    return {
      factTaken: () => {},
      factDropped: () => {},
      plannerRan: () => {},
      commitFailed: () => {},
      commitsRecovered: () => {},
      broke: (error) => this.bugs.push(error),
      commandEnded: () => {},
      commandFailed: ({ kind }, message) => {
        const key = `${kind}: ${message}`;
        this.failures.set(key, (this.failures.get(key) ?? 0) + 1);
      },
      runProbeEnded: () => {},
      listEnded: () => {},
      pollEnded: () => {},
    };
  }
}

function secretOf(commandId: string): string {
  return `secret of ${commandId}`;
}

function noRoute(lifeline: Lifeline): SshExecutor {
  const error = new SshError("network", "no route to host", { started: false });
  return {
    setTarget: () => {},
    close: () => {},
    execute: () => lifeline.call(() => Promise.reject(error)),
  };
}

/** Every call of the port through the lifeline; what answers at once is passed on. */
function lifelined<T extends object>(port: T, lifeline: Lifeline): T {
  return new Proxy(port, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]): unknown => {
        if (!lifeline.alive) return never();
        const answer: unknown = Reflect.apply(member, target, args);
        return answer instanceof Promise ? lifeline.call(() => answer) : answer;
      };
    },
  });
}
