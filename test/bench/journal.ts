import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import type { Journal } from "../../src/drivers/journal/port.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import { recordsFrom } from "../drivers/journal/records.ts";
import type { BenchOptions, Figure } from "./figure.ts";

const ROUNDS = [
  { batch: 1, count: 3_000 },
  { batch: 100, count: 100_000 },
  { batch: 1_000, count: 300_000, limit: 100_000 },
] as const;

/** Records per second into a journal with fsync and actor index, and out of it again. */
export async function run({ quick }: BenchOptions): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "journal-bench-"));
  const figures: Figure[] = [];
  try {
    for (const round of ROUNDS) {
      const count = quick ? round.count / 10 : round.count;
      const path = join(folder, `${round.batch}.db`);
      const journal = openJournal({ path, mode: "write", nowMs: Date.now, ballastBytes: 0 });
      const seconds = await append(journal, recordsFrom(1, count), round.batch);
      const name = `journal: append, batches of ${round.batch}`;
      const limit = "limit" in round ? { limit: round.limit } : {};
      figures.push({ name, value: Math.round(count / seconds), unit: "records/s", ...limit });
      if (round.batch === 1_000) figures.push(...(await readingFigures(journal)));
      await journal.close();
    }
    return figures;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Seconds spent in appending; the index is written between the batches and not counted, as in the daemon's free time. */
async function append(
  journal: Journal,
  records: readonly JournalRecord[],
  batch: number,
): Promise<number> {
  let ms = 0;
  for (let at = 0; at < records.length; at += batch) {
    const slice = records.slice(at, at + batch);
    const startMs = performance.now();
    await journal.append(slice);
    ms += performance.now() - startMs;
    await new Promise(setImmediate);
  }
  return ms / 1_000;
}

async function readingFigures(journal: Journal): Promise<Figure[]> {
  const { records, bytes } = journal.stats();
  let startMs = performance.now();
  let count = 0;
  for (const record of journal.read()) count += record.seq > 0 ? 1 : 0;
  const readSeconds = (performance.now() - startMs) / 1_000;
  startMs = performance.now();
  await journal.rebuildIndex();
  const indexSeconds = (performance.now() - startMs) / 1_000;
  return [
    {
      name: "journal: read, verify and parse",
      value: Math.round(count / readSeconds),
      unit: "records/s",
    },
    { name: "journal: actor index", value: Math.round(records / indexSeconds), unit: "records/s" },
    { name: "journal: size with index", value: Math.round(bytes / records), unit: "bytes/record" },
  ];
}
