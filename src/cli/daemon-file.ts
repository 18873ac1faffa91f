import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dataPaths } from "./data-dir.ts";

/** `daemon.json` in the data directory: where the dispatcher that runs now is reached. */
export interface DaemonInfo {
  readonly pid: number;
  /** The address that it really listens on, with its port. */
  readonly url: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

export function writeDaemonFile(dataDir: string, info: DaemonInfo): void {
  const path = dataPaths(dataDir).daemon;
  writeFileSync(`${path}~`, `${JSON.stringify(info)}\n`, { mode: 0o600 });
  renameSync(`${path}~`, path);
}

/** Undefined if there is none; one that a killed dispatcher left behind is still there. */
export function readDaemonFile(dataDir: string): DaemonInfo | undefined {
  try {
    const json = JSON.parse(readFileSync(dataPaths(dataDir).daemon, "utf8")) as Partial<DaemonInfo>;
    const { pid, url, startedAt } = json;
    if (typeof pid !== "number" || typeof url !== "string" || !URL.canParse(url)) return undefined;
    return { pid, url, startedAt: String(startedAt) };
  } catch {
    // Not there, or not written by a dispatcher: the same to who asks.
    return undefined;
  }
}

/** At an orderly end. Another dispatcher's file is left alone. */
export function removeDaemonFile(dataDir: string, pid: number): void {
  if (readDaemonFile(dataDir)?.pid === pid) rmSync(dataPaths(dataDir).daemon, { force: true });
}
