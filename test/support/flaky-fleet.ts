import type { Clock } from "../../src/actors/clock.ts";
import { Dispatcher, type DispatcherConfig } from "../../src/actors/dispatcher.ts";
import { InstanceDirectory } from "../../src/actors/instance-directory.ts";
import { countReleased } from "../../src/actors/journal-metrics.ts";
import { Alarms } from "../../src/cli/daemon/alarms.ts";
import { fleetSnapshot } from "../../src/cli/daemon/fleet-snapshot.ts";
import { makeObserver } from "../../src/cli/daemon/observer.ts";
import { decorate } from "../../src/drivers/cloud/decorate.ts";
import { forward } from "../../src/drivers/cloud/forward.ts";
import { CloudError, type InstanceSet } from "../../src/drivers/cloud/port.ts";
import type { Journal } from "../../src/drivers/journal/port.ts";
import { SshError, type SshExecutor } from "../../src/drivers/ssh/port.ts";
import { Core } from "../../src/machines/core/core.ts";
import type { InstanceType } from "../../src/machines/model/instance-type.ts";
import { Chance } from "../../src/simulator/chance.ts";
import { SimulatedCloud } from "../../src/simulator/simulated-cloud.ts";
import { SimulatedQueue } from "../../src/simulator/simulated-queue.ts";
import { SimulatedVm, type VmBehavior } from "../../src/simulator/simulated-vm.ts";
import { makeLogger } from "../../src/telemetry/logger.ts";
import { makeMetrics, type Metrics } from "../../src/telemetry/metrics.ts";
import { containerId, containerRecord } from "./containers.ts";

export interface FlakyFleetOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly config: DispatcherConfig;
  readonly journal: Journal;
  readonly behaviorOf: (vm: {
    index: number;
    type: InstanceType;
    nowMs: number;
    chance: Chance;
  }) => VmBehavior;
  readonly containersCount: number;
  /** Of a container's command. */
  readonly durationMaxMs: number;
  readonly maxDispatchAttempts: number;
  readonly opsPerSecond: number;
  /** A create call sooner after the last one is refused with a rate limit. */
  readonly minTimeBetweenCreatesMs: number;
}

/**
 * The dispatcher as the daemon puts it together, wrappers and metrics included, on a simulated account, queue and workers,
 * and on any clock.
 */
export class FlakyFleet {
  readonly cloud: SimulatedCloud;
  readonly queue: SimulatedQueue;
  readonly dispatcher: Dispatcher;
  readonly metrics: Metrics;
  readonly bugs: unknown[] = [];
  /** Containers that were seen running on two workers at once. */
  readonly twice = new Set<string>();
  /** Failures of create calls, by code. */
  readonly createFailures = new Map<string, number>();
  readonly #options: FlakyFleetOptions;
  readonly #chance: Chance;
  #lastCreateAtMs = -Infinity;

  constructor(options: FlakyFleetOptions) {
    this.#options = options;
    const { clock, config, journal } = options;
    this.#chance = new Chance(options.seed);
    const random = (): number => this.#chance.next();
    const latencyMs = (): number => 0;
    this.queue = new SimulatedQueue({
      clock,
      latencyMs,
      maxDispatchAttempts: options.maxDispatchAttempts,
    });
    let index = 0;
    this.cloud = new SimulatedCloud({
      clock,
      random,
      latencyMs,
      makeVm: ({ instanceId, type }) => {
        const vm = { index: index++, type, nowMs: clock.nowMs(), chance: this.#chance };
        const behavior = options.behaviorOf(vm);
        const { queue } = this;
        return new SimulatedVm({ instanceId, clock, queue, behavior, random, latencyMs });
      },
    });
    const alarms = new Alarms(() => clock.nowMs());
    this.metrics = makeMetrics(
      { version: "test", configSha256: "", configSourceAtMs: 0, configLoadedAtMs: 0 },
      () =>
        fleetSnapshot({
          nowMs: clock.nowMs(),
          readModel: this.dispatcher.supervisor.readModel,
          types: config.settings.instanceTypes,
          lastGoodProbeAtMs: (workerId) => this.dispatcher.lastGoodProbeAtMs(workerId),
          last503AtMs: this.queue.last503AtMs(),
          maxContainers: this.dispatcher.supervisor.readModel.limits?.maxContainers ?? 0,
          maxInstances: config.settings.maxInstances,
          journal: { lagMs: 0, bytes: journal.stats().bytes },
          alarms,
        }),
    );
    const log = makeLogger({
      level: "fatal",
      format: "json",
      pid: 0,
      clusterId: "",
      redact: (text) => text,
      nowMs: () => clock.nowMs(),
    });
    this.dispatcher = new Dispatcher({
      config,
      journal,
      clock,
      core: new Core(journal.id),
      cloud: decorate(this.#account(), {
        resourceTags: { testtag: "test value" },
        opsPerSecond: options.opsPerSecond,
        nowMs: () => clock.nowMs(),
        setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
        count: (operation, failed) => this.metrics.driver.countOperation(operation, failed),
      }),
      queue: this.queue,
      openSession: (instanceId, _target, onConnected) => this.#session(instanceId, onConnected),
      directory: new InstanceDirectory(),
      runnerBinary: undefined,
      stdinConfig: () => ({ Env: {}, KeepBuffers: 0, EC2SpotCheck: false, Cluster: null }),
      secretOf: (commandId) => `secret of ${commandId}`,
      random,
      defer: (flush) => void clock.setTimer(0, flush),
      stopwatchMs: () => 0,
      clean: (text) => text,
      observer: makeObserver({
        log,
        metrics: this.metrics,
        alarms,
        onBug: (error) => this.bugs.push(error),
      }),
    });
    const { supervisor } = this.dispatcher;
    supervisor.released.subscribe((released) =>
      countReleased(this.metrics, supervisor.readModel, released),
    );
    this.#submitAll();
  }

  /** Containers that have not ended. */
  get remaining(): number {
    let count = 0;
    for (const { finishedAtMs } of this.queue.containers.values())
      if (finishedAtMs === null) count++;
    return count;
  }

  /** Whether no instance, no worker and no container in a queue's listing is left. */
  get isEmpty(): boolean {
    const { readModel } = this.dispatcher.supervisor;
    return this.cloud.instanceIds.length === 0 && readModel.count("worker") === 0;
  }

  /** Entries of the dispatcher's queue that have not ended. */
  get queueEntries(): number {
    const { readModel } = this.dispatcher.supervisor;
    const states = [...readModel.all("container")].map(({ value }) => String(value.record));
    return states.filter((state) => !["Complete", "Cancelled", "unlisted"].includes(state)).length;
  }

  lookForTwins(): void {
    const seen = new Set<string>();
    for (const vm of this.cloud.vms())
      for (const id of vm.runningIds) {
        if (seen.has(id)) this.twice.add(id);
        seen.add(id);
      }
  }

  /** Series of the dispatcher, by name and labels as `/metrics` prints them, without the prefix. */
  async series(): Promise<Map<string, number>> {
    const text = await this.metrics.registry.metrics();
    const series = new Map<string, number>();
    for (const line of text.split("\n")) {
      const [, name, labels = "", value] =
        /^arvados_dispatchcloud_(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      if (name === undefined) continue;
      const sorted = labels.split(",").sort().join(",");
      series.set(labels === "" ? name : `${name}{${sorted}}`, Number(value));
    }
    return series;
  }

  #submitAll(): void {
    const { containersCount, durationMaxMs, clock } = this.#options;
    for (let i = 0; i < containersCount; i++) {
      const record = containerRecord({
        createdAtMs: clock.nowMs(),
        vcpus: (i % 8) + 1,
        ram: ((i % 3) + 1) * 2 ** 30,
        priority: String((i % 20) + 1),
      });
      const durationMs = this.#chance.between(0, durationMaxMs);
      const exitCode = this.#chance.between(0, 3);
      this.queue.submit(containerId(i + 1), { record, durationMs, exitCode });
    }
  }

  #account(): InstanceSet {
    const { clock, minTimeBetweenCreatesMs } = this.#options;
    return {
      ...forward(this.cloud),
      create: async (request) => {
        const nowMs = clock.nowMs();
        const retryAtMs = this.#lastCreateAtMs + minTimeBetweenCreatesMs;
        try {
          if (nowMs < retryAtMs)
            throw new CloudError({ code: "rateLimited", message: "too soon", retryAtMs });
          this.#lastCreateAtMs = nowMs;
          return await this.cloud.create(request);
        } catch (error) {
          const code = error instanceof CloudError ? error.failure.code : "bug";
          this.createFailures.set(code, (this.createFailures.get(code) ?? 0) + 1);
          throw error;
        }
      },
    };
  }

  #session(instanceId: string, onConnected: () => void): SshExecutor {
    const session = this.cloud.vm(instanceId)?.open();
    let connected = false;
    return {
      setTarget: () => {},
      close: () => session?.close(),
      execute: async (command) => {
        if (!session) throw new SshError("network", "no route to host", { started: false });
        const result = await session.execute(command);
        if (!connected) onConnected();
        connected = true;
        return result;
      },
    };
  }
}
