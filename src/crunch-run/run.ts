import { mkdirSync } from "node:fs";
import { makeArvadosClient } from "../drivers/queue/arvados/client.ts";
import { type AttemptFiles, openAttemptFiles } from "./attempt-files.ts";
import { markNodeBroken } from "./broken-node.ts";
import { type ContainerRecord, type Controller, type Final, makeController } from "./controller.ts";
import { type CostMeter, instanceTypePrice, makeCostMeter } from "./cost.ts";
import { followPrices, loadPrices } from "./cost-updates.ts";
import { type End, execute } from "./execution.ts";
import type { Flags } from "./flags.ts";
import { acquireContainerLock, writeProcessInfo } from "./lock-file.ts";
import { type Journal, type Log, openJournal } from "./log.ts";
import { makeMovingClient } from "./moving-client.ts";
import { containerDataDir, errorText, RunnerError } from "./paths.ts";
import { readSettings, type Settings } from "./settings.ts";
import { parseStdinConfig, readStdin } from "./stdin-config.ts";
import { listenForStops, pause, type Stops } from "./stops.ts";

const API_TIMEOUT_MS = 30_000;
const AGENT_PAUSE_MAX_MS = 2_000;

/** As dispatch-cloud's own queue hands them out; a site's token is of an `-gj3su-` or has no such form. */
const ATTEMPT_TOKEN = /^v2\/[a-z0-9]{5}-dz642-[a-z0-9]{15}-\d+\//;

interface Run {
  readonly flags: Flags;
  readonly lockFd: number;
  readonly settings: Settings;
  readonly stops: Stops;
  readonly controller: Controller;
  readonly meter: CostMeter;
  readonly log: Log;
}

/**
 * Runs one container from Locked to its end (specification §13). `inheritedLockFd` is the lock that `--detach` took. Returns the
 * exit code: 0 when the record says Complete. Throws `RunnerError` for what is wrong with the call.
 */
export async function run(flags: Flags, inheritedLockFd: number | undefined): Promise<number> {
  const { containerUuid } = flags;
  const journal = openJournal();
  const { log } = journal;
  const stops = listenForStops(log);
  const apiSocket = flags.stdinConfig ? applyStdinConfig(await readStdin(), log) : "";
  const settings = readSettings();
  const controller = openController({ containerUuid, settings, journal, apiSocket });
  const meter = openMeter(log);
  const lockFd = inheritedLockFd ?? acquireContainerLock(containerUuid);
  if (inheritedLockFd === undefined) {
    writeProcessInfo(lockFd, { uuid: containerUuid, pid: process.pid });
  }
  const folder = containerDataDir(containerUuid);
  const folderError = attempt(() => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    journal.addFolder(folder);
  });
  log(`crunch-run pid ${process.pid} takes container ${containerUuid}`);
  try {
    const context = { flags, lockFd, settings, stops, controller, meter, log };
    await pause(flags.sleepMs, stops.signal);
    const record = await controller.claim(stops.signal);
    let files: AttemptFiles | undefined;
    const error =
      folderError ?? attempt(() => (files = openAttemptFiles(folder, settings.logMaxBytes)));
    if (!files) {
      await controller.unlock();
      markNodeBroken(`data folder ${folder}: ${error}`, flags.brokenNodeHook, log);
      return 1;
    }
    return await runClaimed(context, record, files);
  } catch (error) {
    log(error instanceof RunnerError ? error.message : ((error as Error).stack ?? String(error)));
    return 1;
  }
}

async function runClaimed(run: Run, record: ContainerRecord, files: AttemptFiles): Promise<number> {
  const { controller, meter, stops, log } = run;
  const stop = stops.signal;
  try {
    if (stop.aborted) throw new RunnerError("stopped before it began");
    await controller.setRunning(stop);
  } catch (error) {
    // Not begun: the queue may have it back.
    if (stop.aborted) await controller.unlock();
    throw error;
  }
  log("container is Running");
  if (record.mountPaths.length > 0) {
    log(`mounts are not provided by the process runtime: ${record.mountPaths.join(" ")}`);
  }
  const unfollow = followPrices(meter, (usd) => controller.setCost(usd), log);
  const end: End = stop.aborted
    ? { kind: "stopped" }
    : await execute({
        containerUuid: run.flags.containerUuid,
        record,
        files,
        lockFd: run.lockFd,
        settings: run.settings,
        brokenNodeHook: run.flags.brokenNodeHook,
        stop,
        isStillOurs: () => controller.isStillOurs(),
        log,
      });
  unfollow();
  if (end.kind === "lost") return 1;
  loadPrices(meter, log);
  const final = finalOf(end, meter.costAt(Date.now()));
  const isRecorded = await controller.report(final, stops.renew());
  if (isRecorded) log(`container is ${final.state}`);
  return isRecorded && final.state === "Complete" ? 0 : 1;
}

function finalOf(end: Exclude<End, { kind: "lost" }>, costUsd: number): Final {
  if (end.kind === "exited") {
    const { exitCode, warning } = end;
    return { state: "Complete", exitCode, warning, costUsd };
  }
  return { state: "Cancelled", error: end.error, costUsd };
}

/** Undefined, or what went wrong. */
function attempt(body: () => void): string | undefined {
  try {
    body();
    return undefined;
  } catch (error) {
    return errorText(error);
  }
}

/** Returns the socket by which the API is called; "" where it is called by its address. */
function applyStdinConfig(stdin: Buffer, log: Log): string {
  const config = parseStdinConfig(stdin.toString("utf8"));
  Object.assign(process.env, config.env);
  if (config.keepBuffers > 0) log("KeepBuffers: this runner offers no local keepstore");
  if (config.ec2SpotCheck) log("EC2SpotCheck: this runner does not watch for spot interruptions");
  return config.apiSocket;
}

/** Takes what is secret out of the environment, which commands and hooks may come to see. */
function openController({
  containerUuid,
  settings,
  journal,
  apiSocket,
}: Pick<Run, "settings"> & {
  readonly containerUuid: string;
  readonly journal: Journal;
  readonly apiSocket: string;
}): Controller {
  const { env } = process;
  // Behind the socket there is one API only, and SSH keeps what goes there secret.
  const host = apiSocket === "" ? (env["ARVADOS_API_HOST"] ?? "") : "http://localhost";
  const token = env["ARVADOS_API_TOKEN"] ?? "";
  for (const name of ["ARVADOS_API_TOKEN", "GatewayAuthSecret"]) {
    journal.hide(env[name] ?? "");
    delete env[name];
  }
  if (host === "" || token === "") {
    throw new RunnerError(
      `${host === "" ? "ARVADOS_API_HOST" : "ARVADOS_API_TOKEN"} is not set: expected in the environment or in Env of --stdin-config`,
    );
  }
  const open = (baseUrl: string) =>
    makeArvadosClient({
      baseUrl,
      token,
      insecure: ["1", "yes", "true"].includes(
        (env["ARVADOS_API_HOST_INSECURE"] ?? "").toLowerCase(),
      ),
      dialAddress: env["ARVADOS_SERVER_ADDRESS"] || undefined,
      socketPath: apiSocket || undefined,
      timeoutMs: API_TIMEOUT_MS,
      nowMs: () => performance.now(),
    });
  const addressFile = apiSocket === "" ? (env["ARVADOS_API_HOST_FILE"] ?? "") : "";
  return makeController({
    client: addressFile === "" ? open(host) : makeMovingClient(host, addressFile, open),
    containerUuid,
    isForOneAttempt: ATTEMPT_TOKEN.test(token),
    retryMaxMs: settings.retryMaxMs,
    // What fails then is between here and this machine's agent, which is back as soon as its dispatcher is.
    ...(apiSocket === "" ? {} : { unheardMaxMs: AGENT_PAUSE_MAX_MS }),
    log: journal.log,
  });
}

function openMeter(log: Log): CostMeter {
  const meter = makeCostMeter({
    startAtMs: Date.now(),
    fallbackUsdPerHour: instanceTypePrice(process.env["InstanceType"]),
    onPriceChange: ({ usdPerHour, startAtMs }) =>
      log(
        `Instance price changed to ${usdPerHour.toPrecision(3)} at ${new Date(startAtMs).toISOString()}`,
      ),
  });
  loadPrices(meter, log);
  return meter;
}
