import { setTimeout as delay } from "node:timers/promises";
import { instanceSetId } from "../../config/instance-set-id.ts";
import { makeLoopbackInstanceSet } from "../../drivers/cloud/loopback/driver.ts";
import type { Connection } from "../connection.ts";
import { killWorker, listWorkers, requestStop } from "../dispatch-api.ts";
import { CliError } from "../exit-code.ts";
import { cancelRequest, listRequests } from "../queue-api.ts";
import { readTokens } from "../token-file.ts";
import type { DaemonProcess } from "./daemon-process.ts";

const DRAIN_TIMEOUT_MS = 12_000;
const STOP_TIMEOUT_MS = 10_000;
const REASON = "the demo is being cleaned up";

/**
 * Ends the dispatcher and everything that it started, in good order if it answers, else the hard way. Returns what had
 * to be ended the hard way, in words.
 */
export async function cleanUp(
  daemon: DaemonProcess,
  dataDir: string,
  connection: Connection | undefined,
): Promise<string[]> {
  const forced: string[] = [];
  if (daemon.exitCode() === undefined) {
    const drained = connection !== undefined && (await drain(daemon, connection));
    if (!drained && daemon.exitCode() === undefined) {
      daemon.kill("SIGTERM");
      if (!(await daemon.endsWithin(STOP_TIMEOUT_MS))) {
        daemon.kill("SIGKILL");
        await daemon.endsWithin(STOP_TIMEOUT_MS);
        forced.push("the dispatcher did not stop and was killed");
      }
    }
  }
  const destroyed = await destroyLeftovers(dataDir);
  if (destroyed > 0) forced.push(`${destroyed} workers were left and have been destroyed`);
  return forced;
}

async function drain(daemon: DaemonProcess, connection: Connection): Promise<boolean> {
  try {
    const open = await listRequests(connection, [["state", "!=", "Final"]]);
    for (const { uuid } of open) await cancelRequest(connection, uuid);
    await requestStop(connection, { drain: true, reason: REASON });
    for (const { worker_id } of await listWorkers(connection)) {
      // One that has gone meanwhile, or is not there yet, is dealt with by the drain.
      await killWorker(connection, worker_id, REASON).catch(ignoreRefusal);
    }
  } catch (error) {
    ignoreRefusal(error);
    return false;
  }
  return daemon.endsWithin(DRAIN_TIMEOUT_MS);
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof CliError)) throw error;
}

/** Workers outlive their dispatcher by design: those of the demo must not outlive the demo. */
async function destroyLeftovers(dataDir: string): Promise<number> {
  const tokens = readTokens(dataDir);
  // Without tokens it never came as far as making workers.
  if (!tokens) return 0;
  const cloud = makeLoopbackInstanceSet({
    dataDir,
    instanceSetId: instanceSetId(tokens.systemRootToken),
    nowMs: () => Date.now(),
    setTimer: (delayMs, callback) => {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
    destroyGraceMs: 2_000,
  });
  const signal = AbortSignal.timeout(STOP_TIMEOUT_MS);
  const left = await cloud.list({}, signal);
  for (const { instanceId } of left) await cloud.destroy(instanceId, signal);
  while ((await cloud.list({}, signal)).length > 0) await delay(100, undefined, { signal });
  await cloud.close();
  return left.length;
}
