import { randomBytes } from "node:crypto";
import type { Supervisor } from "../../actors/supervisor.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { openBase } from "./base.ts";
import { keepClockWatch } from "./clock-watch.ts";
import { Closers } from "./closers.ts";
import type { OnClose } from "./closers.ts";
import { connectQueue } from "./connect-queue.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import { makeDispatch } from "./dispatch.ts";
import { keepRetention } from "./retention.ts";
import { serve } from "./serve.ts";

export interface Daemon {
  readonly log: Logger;
  /** Where it listens. */
  readonly url: string;
  /** Workers and containers that go on without it. */
  left(): { workers: number; containers: number };
  stop(): Promise<void>;
}

/** Puts the parts together and starts them. Throws where the start fails; nothing is left open then. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const closers = new Closers();
  try {
    const daemon = await start(options, closers.onClose);
    return { ...daemon, stop: () => closers.closeAll() };
  } catch (error) {
    await closers.closeAll();
    throw error;
  }
}

async function start(options: DaemonOptions, onClose: OnClose): Promise<Omit<Daemon, "stop">> {
  const base = openBase(options);
  const { clock, log, alarms, journal } = base;
  onClose(() => journal.close());
  const { dispatcher, queue, api, metrics, runnerBinary } = await makeDispatch(
    options,
    base,
    onClose,
  );
  const { supervisor } = dispatcher;
  const ownKey = randomBytes(24).toString("base64url");
  const lastGoodProbeAtMs = (workerId: string): number => dispatcher.lastGoodProbeAtMs(workerId);
  const listener = await serve(
    { ...options, ...base, supervisor, lastGoodProbeAtMs, metrics, runnerBinary, ownKey },
    onClose,
  );
  const { url, address } = listener;
  api.set(listener);
  onClose(connectQueue(queue, options, base, { address, ownKey }));
  log.info(
    { URL: url, Listen: address, Service: "arvados-dispatch-cloud", Version: options.version },
    "listening",
  );
  await dispatcher.start();
  onClose(() => dispatcher.stop());
  onClose(keepClockWatch({ clock, alarms, metrics, log }));
  onClose(keepRetention(options.config.dispatchCloud.journal, { journal, clock, log }));
  return { log, url: address, left: () => leftOf(supervisor) };
}

function leftOf({ readModel }: Supervisor): { workers: number; containers: number } {
  const running = [...readModel.all("worker")].flatMap(({ context }) =>
    Object.keys(context.processes),
  );
  return { workers: readModel.count("worker"), containers: running.length };
}
