import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { makeSystemClock } from "../../actors/clock.ts";
import { Dispatcher } from "../../actors/dispatcher.ts";
import { InstanceDirectory } from "../../actors/instance-directory.ts";
import { logReleased } from "../../actors/journal-log.ts";
import { countReleased } from "../../actors/journal-metrics.ts";
import { stdinConfig } from "../../actors/crunch-run-commands.ts";
import { recoverCore } from "../../actors/recover.ts";
import type { ClusterConfig, ConfigDocument } from "../../config/load.ts";
import { instanceSetId } from "../../config/instance-set-id.ts";
import { secretsIn } from "../../config/secrets.ts";
import { decorate } from "../../drivers/cloud/decorate.ts";
import type { InstanceSet } from "../../drivers/cloud/port.ts";
import { openJournal } from "../../drivers/journal/sqlite.ts";
import { makeArvadosClient } from "../../drivers/queue/arvados/client.ts";
import { makeArvadosQueue } from "../../drivers/queue/arvados/queue.ts";
import { NO_GPU } from "../../machines/model/instance-type.ts";
import type { InstanceType } from "../../machines/model/instance-type.ts";
import { OWN_KEY_HEADER } from "../../http/identify.ts";
import { listen } from "../../http/listen.ts";
import type { Listener } from "../../http/listen.ts";
import { listenCandidates } from "../../http/listen-address.ts";
import { cutText } from "../../telemetry/cut-text.ts";
import { makeLogger } from "../../telemetry/logger.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { makeMetrics } from "../../telemetry/metrics.ts";
import { makeRedactor } from "../../telemetry/redact.ts";
import { dataPaths } from "../data-dir.ts";
import { Alarms } from "./alarms.ts";
import { keepClockWatch } from "./clock-watch.ts";
import { openCloud } from "./cloud.ts";
import { dispatcherConfig } from "./dispatcher-config.ts";
import { fleetSnapshot } from "./fleet-snapshot.ts";
import { makeHttpApp } from "./http-app.ts";
import { makeWitnessObserver, watchJournal } from "./journal-watch.ts";
import { LateQueue } from "./late-queue.ts";
import { makeObserver } from "./observer.ts";
import { makePrivate } from "./private-files.ts";
import { keepRetention } from "./retention.ts";
import { makeRunnerFile } from "./runner-file.ts";
import { hmacHex, instanceSecret } from "./secrets.ts";
import type { Secrets } from "./secrets.ts";
import { openSessions } from "./ssh-sessions.ts";
import { keepCertificate, readCertificate } from "./tls.ts";

export interface DaemonOptions {
  readonly config: ClusterConfig;
  readonly document: ConfigDocument;
  readonly configHash: string;
  readonly configSourceAtMs: number;
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly version: string;
  /** `$ARVADOS_SERVICE_INTERNAL_URL`, or "". */
  readonly serviceInternalUrl: string;
  /** `$ARVADOS_SERVER_ADDRESS`, or "". */
  readonly serverAddress: string;
  /** PATH of the loopback driver's instances. */
  readonly searchPath: string | undefined;
  /** A bug: the process is to end with exit code 70. */
  readonly onBug: (error: unknown) => void;
  /** An operator asked for it; with `drain` once nothing is left. */
  readonly onStopped: (reason: string) => void;
}

export interface Daemon {
  readonly log: Logger;
  /** Where it listens. */
  readonly url: string;
  /** Workers and containers that go on without it. */
  left(): { workers: number; containers: number };
  stop(): Promise<void>;
}

const CLEAN_MAX_BYTES = 2_000;
const CLOSE_GRACE_MS = 2_000;

/** Puts the parts together and starts them. Throws where the start fails; nothing is left open then. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, document, secrets, dataDir } = options;
  const clock = makeSystemClock();
  const redact = makeRedactor([...secretsIn(document.cluster), ...secretTexts(secrets)]);
  const clean = (text: string): string => cutText(redact(text), CLEAN_MAX_BYTES);
  const log = makeLogger({
    level: config.systemLogs.logLevel,
    format: config.systemLogs.format,
    pid: process.pid,
    clusterId: config.id,
    redact,
    nowMs: () => clock.nowMs(),
  });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const tellOpen = (path: string, reason: string): void =>
    log.warn({ Path: path, Error: reason }, "others may read this, and it cannot be changed");
  makePrivate(dataDir, tellOpen);
  const alarms = new Alarms(() => clock.nowMs());
  const journal = openJournal({
    path: dataPaths(dataDir).journal,
    mode: "write",
    nowMs: () => clock.nowMs(),
    ballastBytes: config.dispatchCloud.journal.ballastBytes,
    onIndexError: (error) => log.warn({ err: error }, "journal index cannot be written"),
    onWitnessError: makeWitnessObserver({ alarms, log }),
  });
  const closers: (() => Promise<void>)[] = [() => journal.close()];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.reverse()) await close();
  };
  try {
    const { core } = recoverCore(journal, log);
    const unwatch = watchJournal({ journal, alarms, log, clock });
    closers.push(async () => unwatch());
    const directory = new InstanceDirectory();
    const queue = new LateQueue();
    const rawCloud = await openCloud(config, { ...options, clock, instanceSetId: setId(secrets) });
    const metrics = makeMetrics(
      {
        version: options.version,
        configSha256: options.configHash,
        configSourceAtMs: options.configSourceAtMs,
        configLoadedAtMs: clock.nowMs(),
      },
      () =>
        fleetSnapshot({
          nowMs: clock.nowMs(),
          readModel: dispatcher.supervisor.readModel,
          types: config.instanceTypes,
          lastGoodProbeAtMs: (workerId) => dispatcher.lastGoodProbeAtMs(workerId),
          last503AtMs: queue.last503AtMs(),
          maxContainers: dispatcher.supervisor.readModel.limits?.maxContainers ?? 0,
          maxInstances: config.containers.cloudVMs.maxInstances,
          journal: { lagMs: dispatcher.supervisor.lagMs(), bytes: journal.stats().bytes },
          alarms,
        }),
    );
    const cloud: InstanceSet = decorate(rawCloud, {
      resourceTags: config.containers.cloudVMs.resourceTags,
      opsPerSecond: config.containers.cloudVMs.maxCloudOpsPerSecond,
      nowMs: () => clock.nowMs(),
      setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
      count: (operation, failed) => metrics.driver.countOperation(operation, failed),
    });
    closers.push(() => cloud.close());
    const shell = dispatcherConfig(config, { ...options, cloud });
    const runnerBinary = makeRunnerFile(config.containers.cloudVMs.deployRunnerBinary);
    let apiHost = apiHostOf(config.services.controller.externalURL);
    const dispatcher: Dispatcher = new Dispatcher({
      config: shell,
      core,
      journal,
      clock,
      cloud,
      queue,
      directory,
      runnerBinary,
      clean,
      openSession: openSessions({ config, secrets, cloud, directory, clock }),
      stdinConfig: (worker, containerId) =>
        stdinConfig({
          containerId,
          instanceType:
            config.instanceTypes[worker.instanceType] ?? unknownType(worker.instanceType),
          instanceAddress: worker.address,
          apiHost,
          apiHostFile: isOwnApi(config) ? dataPaths(dataDir).daemon : undefined,
          systemRootToken: secrets.systemRootToken,
          insecure: config.tls.insecure,
          driver: config.containers.cloudVMs.driver,
          localKeepBlobBuffersPerVcpu: config.containers.localKeepBlobBuffersPerVcpu,
          clusterConfig: document.cluster,
          hmacHex,
          // The engine that only our own runner has.
          logMaxBytes:
            config.containers.runtimeEngine === "process"
              ? config.dispatchCloud.logs.maxBytes
              : undefined,
        }),
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
    const ownKey = randomBytes(24).toString("base64url");
    const http = makeHttpApp({
      ...options,
      ownKey,
      clock,
      supervisor,
      lastGoodProbeAtMs: (workerId) => dispatcher.lastGoodProbeAtMs(workerId),
      journal,
      metrics,
      alarms,
      runnerBinary,
      log,
    });
    closers.push(async () => http.close());
    const { candidates, warning } = listenCandidates(
      listenUrls(config),
      options.serviceInternalUrl,
    );
    if (warning) log.warn({}, warning);
    const tls = readCertificate(config);
    const listener: Listener = await listen(http.app, {
      candidates,
      clock,
      ...(tls ? { tls } : {}),
    });
    closers.push(() => listener.close(CLOSE_GRACE_MS));
    const forgetCertificate = keepCertificate(config, { listener, clock, log });
    closers.push(async () => forgetCertificate());
    const isEmbedded = config.dispatchCloud.queue.driver === "embedded";
    const controllerUrl = config.services.controller.externalURL || listener.address;
    if (isEmbedded) apiHost = apiHostOf(controllerUrl);
    const client = makeArvadosClient({
      baseUrl: controllerUrl,
      token: secrets.systemRootToken,
      insecure: config.tls.insecure,
      dialAddress: options.serverAddress || undefined,
      timeoutMs: config.dispatchCloud.queue.requestTimeoutMs,
      concurrencyMax: Math.floor(config.api.maxConcurrentRequests / 4),
      nowMs: () => clock.nowMs(),
      // So that nobody else can take the turns of these.
      ...(isEmbedded ? { headers: { [OWN_KEY_HEADER]: ownKey } } : {}),
    });
    closers.push(async () => client.close());
    queue.set(makeArvadosQueue({ client, extras: isEmbedded ? ["request_name"] : [] }));
    log.info(
      {
        URL: listener.url,
        Listen: listener.address,
        Service: "arvados-dispatch-cloud",
        Version: options.version,
      },
      "listening",
    );
    await dispatcher.start();
    closers.push(() => dispatcher.stop());
    const endClockWatch = keepClockWatch({ clock, alarms, metrics, log });
    closers.push(async () => endClockWatch());
    const endRetention = keepRetention(config.dispatchCloud.journal, { journal, clock, log });
    closers.push(async () => endRetention());
    return { log, url: listener.address, stop: closeAll, left };

    function left(): { workers: number; containers: number } {
      const { readModel } = supervisor;
      const running = [...readModel.all("worker")].flatMap(({ context }) =>
        Object.keys(context.processes),
      );
      return { workers: readModel.count("worker"), containers: running.length };
    }
  } catch (error) {
    await closeAll();
    throw error;
  }
}

/** Of a worker whose type has left the config: the runner is told its name only. */
function unknownType(name: string): InstanceType {
  const none = { vcpus: 0, ram: 0, includedScratch: 0, addedScratch: 0, scratch: 0, price: 0 };
  return { name, providerType: name, ...none, preemptible: false, gpu: NO_GPU };
}

function setId({ systemRootToken }: Secrets): string {
  return instanceSetId(systemRootToken);
}

function secretTexts(secrets: Secrets): string[] {
  return [secrets.systemRootToken, secrets.managementToken, secrets.privateKey];
}

/** A port of its own choosing where the embedded queue's config names no address. */
function listenUrls(
  config: ClusterConfig,
): ClusterConfig["services"]["dispatchCloud"]["internalURLs"] {
  const urls = config.services.dispatchCloud.internalURLs;
  const isEmbedded = config.dispatchCloud.queue.driver === "embedded";
  if (Object.keys(urls).length > 0 || !isEmbedded) return urls;
  return { "http://127.0.0.1:0/": { listenURL: "", rendezvous: "" } };
}

/** Its runners are on this machine and talk to this daemon, which may listen on another port after a restart. */
function isOwnApi({ dispatchCloud, services, containers }: ClusterConfig): boolean {
  const isEmbedded = dispatchCloud.queue.driver === "embedded";
  const isHere = containers.cloudVMs.driver === "loopback";
  return isEmbedded && isHere && services.controller.externalURL === "";
}

/** As crunch-run wants it: `host[:port]`; our own runner also takes a URL, which it needs where it is not https. */
function apiHostOf(url: string): string {
  if (url === "") return "";
  const { protocol, host, origin } = new URL(url);
  return protocol === "http:" ? origin : host;
}
