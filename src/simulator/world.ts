import { Dispatcher } from "../actors/dispatcher.ts";
import type { DispatcherConfig, DispatcherObserver } from "../actors/dispatcher.ts";
import { InstanceDirectory } from "../actors/instance-directory.ts";
import type { Journal } from "../drivers/journal/port.ts";
import { SshError } from "../drivers/ssh/port.ts";
import { CODE_VERSION, Core } from "../machines/core/core.ts";
import { fold } from "../machines/core/replay.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import { Chance } from "./chance.ts";
import { SimulatedCloud } from "./simulated-cloud.ts";
import { SimulatedQueue } from "./simulated-queue.ts";
import { SimulatedVm } from "./simulated-vm.ts";
import type { VmBehavior } from "./simulated-vm.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface WorldOptions {
  readonly seed: number;
  readonly config: DispatcherConfig;
  /** Opens the journal; called anew at every start of the dispatcher. */
  readonly openJournal: () => Journal;
  readonly behaviorOf: (vm: {
    index: number;
    type: InstanceType;
    nowMs: number;
    chance: Chance;
  }) => VmBehavior;
  readonly maxDispatchAttempts?: number;
  /** Greatest time a call takes. */
  readonly latencyMaxMs?: number;
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
  dispatcher: Dispatcher | undefined;
  journal: Journal | undefined;
  #generation = 0;
  readonly #options: WorldOptions;

  constructor(options: WorldOptions) {
    this.#options = options;
    const { clock } = this;
    this.chance = new Chance(options.seed);
    const latencyMs = (): number => this.chance.between(0, options.latencyMaxMs ?? 0);
    const random = (): number => this.chance.next();
    this.queue = new SimulatedQueue({
      clock,
      latencyMs,
      maxDispatchAttempts: options.maxDispatchAttempts ?? 10,
    });
    let index = 0;
    this.cloud = new SimulatedCloud({
      clock,
      random,
      latencyMs,
      makeVm: ({ type }) => {
        const vm = { index: index++, type, nowMs: clock.nowMs(), chance: this.chance };
        const behavior = options.behaviorOf(vm);
        return new SimulatedVm({ clock, queue: this.queue, behavior, random, latencyMs });
      },
    });
  }

  /** Starts the dispatcher on what the journal holds, as the daemon does. */
  async start(): Promise<void> {
    const generation = ++this.#generation;
    const { clock } = this;
    const journal = this.#options.openJournal();
    const core = recoverCore(journal);
    const dispatcher = new Dispatcher({
      config: this.#options.config,
      core,
      journal,
      // A killed dispatcher's timers never fire again.
      clock: {
        nowMs: () => clock.nowMs(),
        setTimer: (delayMs, callback) =>
          clock.setTimer(delayMs, () => {
            if (generation === this.#generation) callback();
          }),
      },
      cloud: this.cloud,
      queue: this.queue,
      openSession: (instanceId, _target, onConnected) => this.#openSession(instanceId, onConnected),
      directory: new InstanceDirectory(),
      runnerBinary: undefined,
      stdinConfig: () => ({ Env: {}, KeepBuffers: 0, EC2SpotCheck: false, Cluster: null }),
      secretOf: (commandId) => `secret of ${commandId}`,
      random: () => this.chance.next(),
      defer: (flush) => void clock.setTimer(0, () => generation === this.#generation && flush()),
      stopwatchMs: () => 0,
      clean: (text) => text,
      observer: this.#observer(),
    });
    this.dispatcher = dispatcher;
    this.journal = journal;
    const started = dispatcher.start();
    await clock.run({ untilMs: clock.nowMs() });
    await started;
  }

  /** As `kill -9`: what was not durable is lost, and nobody says good-bye. */
  async kill(): Promise<void> {
    this.#generation++;
    await this.journal?.close();
    this.dispatcher = undefined;
  }

  #openSession(instanceId: string, onConnected: () => void): ReturnType<SimulatedVm["open"]> {
    const vm = this.cloud.vm(instanceId);
    if (vm) {
      const session = vm.open();
      let connected = false;
      return {
        ...session,
        execute: async (command) => {
          const result = await session.execute(command);
          if (!connected) onConnected();
          connected = true;
          return result;
        },
      };
    }
    return {
      setTarget: () => {},
      close: () => {},
      execute: () =>
        Promise.reject(new SshError("network", "no route to host", { started: false })),
    };
  }

  #observer(): DispatcherObserver {
    return {
      factTaken: () => {},
      factDropped: () => {},
      plannerRan: () => {},
      commitEnded: () => {},
      commitFailed: () => {},
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

/** The state that a journal folds to: from its newest checkpoint, with recorded decisions (DESIGN: versions). */
export function recoverCore(journal: Journal): Core {
  const checkpoint = journal.checkpoint({ code: CODE_VERSION });
  const core = checkpoint ? Core.restore(checkpoint.state) : new Core(journal.id);
  return fold(core, journal.read({ fromSeq: core.seq + 1 }));
}
