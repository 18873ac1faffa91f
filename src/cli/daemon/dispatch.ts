import { Dispatcher } from "../../actors/dispatcher.ts";
import { InstanceDirectory } from "../../actors/instance-directory.ts";
import { logReleased } from "../../actors/journal-log.ts";
import { countReleased } from "../../actors/journal-metrics.ts";
import { recoverCore } from "../../actors/recover.ts";
import type { RunnerBinary } from "../../actors/runner-binary.ts";
import { instanceSetId } from "../../config/instance-set-id.ts";
import { decorate } from "../../drivers/cloud/decorate.ts";
import type { InstanceSet } from "../../drivers/cloud/port.ts";
import type { FleetSnapshot } from "../../telemetry/fleet.ts";
import { makeMetrics } from "../../telemetry/metrics.ts";
import type { Metrics } from "../../telemetry/metrics.ts";
import { makeAgentPorts } from "./agent-ports.ts";
import type { Base } from "./base.ts";
import { openCloud } from "./cloud.ts";
import type { OnClose } from "./closers.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import { dispatcherConfig } from "./dispatcher-config.ts";
import { fleetSnapshot } from "./fleet-snapshot.ts";
import { watchJournal } from "./journal-watch.ts";
import { LateApi } from "./late-api.ts";
import { LateQueue } from "./late-queue.ts";
import { makeObserver } from "./observer.ts";
import { makeRunnerConfig } from "./runner-config.ts";
import { makeRunnerFile } from "./runner-file.ts";
import { instanceSecret } from "./secrets.ts";
import { openSessions } from "./ssh-sessions.ts";

interface Dispatch {
  readonly dispatcher: Dispatcher;
  readonly queue: LateQueue;
  readonly api: LateApi;
  readonly metrics: Metrics;
  readonly runnerBinary: RunnerBinary | undefined;
}

/** The dispatcher as the journal left it, on the cloud's driver; not yet started. */
export async function makeDispatch(
  options: DaemonOptions,
  base: Base,
  onClose: OnClose,
): Promise<Dispatch> {
  const { config, secrets } = options;
  const { clock, log, alarms, journal, clean } = base;
  const { core } = recoverCore(journal, log);
  onClose(watchJournal(base));
  const directory = new InstanceDirectory();
  const queue = new LateQueue();
  const api = new LateApi();
  const driver = await openCloud(config, {
    ...options,
    clock,
    instanceSetId: instanceSetId(secrets.systemRootToken),
  });
  const metrics = makeMetrics(
    {
      version: options.version,
      configSha256: options.configHash,
      configSourceAtMs: options.configSourceAtMs,
      configLoadedAtMs: clock.nowMs(),
    },
    () => snapshotOf({ dispatcher, queue }, options, base),
  );
  const cloud = decorated(driver, options, { ...base, metrics });
  onClose(() => cloud.close());
  const runnerBinary = makeRunnerFile(config.containers.cloudVMs.deployRunnerBinary);
  const dispatcher: Dispatcher = new Dispatcher({
    config: dispatcherConfig(config, { ...options, cloud }),
    core,
    journal,
    clock,
    cloud,
    queue,
    directory,
    runnerBinary,
    clean,
    openSession: openSessions({ config, secrets, cloud, directory, clock }),
    stdinConfig: makeRunnerConfig(options, queue),
    agents: makeAgentPorts(config, secrets, api),
    secretOf: (commandId) => instanceSecret(secrets.systemRootToken, commandId),
    random: Math.random,
    defer: (flush) => void setImmediate(flush),
    stopwatchMs: () => performance.now(),
    observer: makeObserver({ log, metrics, alarms, onBug: options.onBug }),
  });
  const { supervisor } = dispatcher;
  supervisor.released.subscribe((released) => {
    logReleased(log, released);
    countReleased(metrics, supervisor.readModel, released);
  });
  return { dispatcher, queue, api, metrics, runnerBinary };
}

function decorated(
  driver: InstanceSet,
  { config }: DaemonOptions,
  { clock, metrics }: Pick<Base, "clock"> & Pick<Dispatch, "metrics">,
): InstanceSet {
  const { resourceTags, maxCloudOpsPerSecond } = config.containers.cloudVMs;
  return decorate(driver, {
    resourceTags,
    opsPerSecond: maxCloudOpsPerSecond,
    nowMs: () => clock.nowMs(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
    count: (operation, failed) => metrics.driver.countOperation(operation, failed),
  });
}

function snapshotOf(
  { dispatcher, queue }: Pick<Dispatch, "dispatcher" | "queue">,
  { config }: DaemonOptions,
  { clock, journal, alarms }: Base,
): FleetSnapshot {
  const { supervisor } = dispatcher;
  const { readModel } = supervisor;
  return fleetSnapshot({
    nowMs: clock.nowMs(),
    readModel,
    types: config.instanceTypes,
    lastGoodProbeAtMs: (workerId) => dispatcher.lastGoodProbeAtMs(workerId),
    last503AtMs: queue.last503AtMs(),
    maxContainers: readModel.limits?.maxContainers ?? 0,
    maxInstances: config.containers.cloudVMs.maxInstances,
    journal: { lagMs: supervisor.lagMs(), bytes: journal.stats().bytes },
    alarms,
  });
}
