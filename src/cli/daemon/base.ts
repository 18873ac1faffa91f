import { mkdirSync } from "node:fs";
import { makeSystemClock } from "../../actors/clock.ts";
import type { Clock } from "../../actors/clock.ts";
import { secretsIn } from "../../config/secrets.ts";
import type { Journal } from "../../drivers/journal/port.ts";
import { openJournal } from "../../drivers/journal/sqlite.ts";
import { cutText } from "../../telemetry/cut-text.ts";
import { makeLogger } from "../../telemetry/logger.ts";
import type { Logger } from "../../telemetry/logger.ts";
import { makeRedactor } from "../../telemetry/redact.ts";
import { dataPaths } from "../data-dir.ts";
import { Alarms } from "./alarms.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import { makeWitnessObserver } from "./journal-watch.ts";
import { makePrivate } from "./private-files.ts";

/** What all parts of the daemon stand on. */
export interface Base {
  readonly clock: Clock;
  readonly log: Logger;
  readonly alarms: Alarms;
  readonly journal: Journal;
  /** A text from outside, without secrets and not too long. */
  readonly clean: (text: string) => string;
}

const CLEAN_MAX_BYTES = 2_000;

/** The journal is locked from here on: it is for the caller to close. */
export function openBase({ config, document, secrets, dataDir }: DaemonOptions): Base {
  const clock = makeSystemClock();
  const nowMs = (): number => clock.nowMs();
  const { systemRootToken, managementToken, privateKey } = secrets;
  const ours = [systemRootToken, managementToken, privateKey];
  const redact = makeRedactor([...secretsIn(document.cluster), ...ours]);
  const log = makeLogger({
    level: config.systemLogs.logLevel,
    format: config.systemLogs.format,
    pid: process.pid,
    clusterId: config.id,
    redact,
    nowMs,
  });
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  makePrivate(dataDir, (path, reason) =>
    log.warn({ Path: path, Error: reason }, "others may read this, and it cannot be changed"),
  );
  const alarms = new Alarms(nowMs);
  const journal = openJournal({
    path: dataPaths(dataDir).journal,
    mode: "write",
    nowMs,
    ballastBytes: config.dispatchCloud.journal.ballastBytes,
    onIndexError: (error) => log.warn({ err: error }, "journal index cannot be written"),
    onWitnessError: makeWitnessObserver({ alarms, log }),
  });
  const clean = (text: string): string => cutText(redact(text), CLEAN_MAX_BYTES);
  return { clock, log, alarms, journal, clean };
}
