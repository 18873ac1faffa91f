import { checkJournal } from "../../drivers/journal/check.ts";
import { exportJournal } from "../../drivers/journal/export.ts";
import type { Journal, JournalStats } from "../../drivers/journal/port.ts";
import { openJournal } from "../../drivers/journal/sqlite.ts";
import { parseByteSize } from "../../config/byte-size.ts";
import { parseDuration } from "../../config/duration.ts";
import { formatNumber, formatSize, formatTime } from "../../machines/model/amounts.ts";
import { defineCommand, JSON_FLAG, usageError } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { JOURNAL_ARG, JOURNAL_NOTE, journalPath } from "../journal-path.ts";

export const journalStatsCommand = defineCommand({
  name: "journal stats",
  summary: "Tells how much a journal holds, from when to when.",
  flags: { json: JSON_FLAG },
  args: JOURNAL_ARG,
  notes: [JOURNAL_NOTE, "It is opened for reading only; a dispatcher may be writing it meanwhile."],
  examples: ["dispatch-cloud journal stats /var/lib/dispatch-cloud"],
  async run({ flags, args, io }) {
    const path = journalPath(args[0] ?? "");
    const stats = await withJournal(path, "read", io, async (journal) => journal.stats());
    io.out(flags.json ? `${JSON.stringify(statsJson(stats))}\n` : statsText(path, stats));
    return EXIT.ok;
  },
});

export const journalCheckCommand = defineCommand({
  name: "journal check",
  summary: "Reads a whole journal and tells what is wrong with it, and what to do about it.",
  flags: {
    json: JSON_FLAG,
    "rebuild-index": {
      type: "boolean",
      help: "Make the index by actor anew first; writes, so no dispatcher may be running",
    },
  },
  args: JOURNAL_ARG,
  notes: [
    JOURNAL_NOTE,
    "It checks the database's structure, the chain of checksums, every record, the checkpoints and the index.",
  ],
  exitCodes: { [EXIT.failed]: "something is wrong; one line each" },
  examples: ["dispatch-cloud journal check /var/lib/dispatch-cloud"],
  async run({ flags, args, io }) {
    const path = journalPath(args[0] ?? "");
    if (flags["rebuild-index"]) {
      await withJournal(path, "write", io, (journal) => journal.rebuildIndex());
    }
    const report = checkJournal(path);
    const { ok, records, batches, checkpoints, problems } = report;
    if (flags.json) io.out(`${JSON.stringify(report)}\n`);
    else {
      for (const { code, seq, message } of problems) {
        io.out(`${code}${seq === null ? "" : ` at seq ${seq}`}: ${message}\n`);
      }
      const found = `${records} records in ${batches} batches, ${checkpoints} checkpoints`;
      io.out(`${found}: ${ok ? "all in order" : `${problems.length} problems`}\n`);
    }
    return ok ? EXIT.ok : EXIT.failed;
  },
});

export const journalExportCommand = defineCommand({
  name: "journal export",
  summary: "Prints a journal's records as JSON, one a line, as they were written.",
  flags: {
    from: { type: "string", value: "SEQ", help: "First record; default: the oldest" },
    to: { type: "string", value: "SEQ", help: "Last record; default: the newest" },
  },
  args: JOURNAL_ARG,
  notes: [
    JOURNAL_NOTE,
    "Stops with exit 1 where the journal is damaged; what comes behind the damage is had with --from.",
  ],
  examples: ["dispatch-cloud journal export --from 1200 /var/lib/dispatch-cloud | head"],
  async run({ flags, args, io }) {
    const [fromSeq, toSeq] = (["from", "to"] as const).map((name) => {
      const text = flags[name];
      if (text === undefined || /^\d{1,15}$/.test(text)) return text && Number(text);
      throw usageError(
        journalExportCommand,
        `--${name}: found ${JSON.stringify(text)}, expected a record's number`,
      );
    }) as [number | undefined, number | undefined];
    exportJournal(journalPath(args[0] ?? ""), (line) => io.out(`${line}\n`), { fromSeq, toSeq });
    return EXIT.ok;
  },
});

export const journalPruneCommand = defineCommand({
  name: "journal prune",
  summary: "Removes the oldest records of a journal and gives their space back.",
  flags: {
    "max-age": { type: "string", value: "DURATION", help: "Keep what is younger, such as 720h" },
    "max-bytes": { type: "string", value: "SIZE", help: "Keep the newest up to it, such as 1GiB" },
    json: JSON_FLAG,
  },
  args: JOURNAL_ARG,
  notes: [
    JOURNAL_NOTE,
    "Records behind the newest checkpoint stay whatever the limits say: they are needed at the next start. No " +
      "dispatcher may be writing the journal; a running one prunes by itself (DispatchCloud.Journal.MaxAge, MaxBytes).",
  ],
  examples: ["dispatch-cloud journal prune --max-age 720h /var/lib/dispatch-cloud"],
  async run({ flags, args, io }) {
    const maxAgeMs = parsed("max-age", flags["max-age"], parseDuration);
    const maxBytes = parsed("max-bytes", flags["max-bytes"], parseByteSize);
    if (maxAgeMs === undefined && maxBytes === undefined) {
      throw usageError(journalPruneCommand, "expected --max-age or --max-bytes, or both");
    }
    const path = journalPath(args[0] ?? "");
    const removed = await withJournal(path, "write", io, (journal) =>
      journal.prune({ maxAgeMs, maxBytes, nowMs: io.nowMs() }),
    );
    io.out(flags.json ? `${JSON.stringify({ removed })}\n` : `removed ${removed} records\n`);
    return EXIT.ok;
  },
});

function parsed(
  name: string,
  text: string | undefined,
  parse: (text: string) => number,
): number | undefined {
  if (text === undefined) return undefined;
  try {
    const value = parse(text);
    if (value >= 0) return value;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw usageError(
      journalPruneCommand,
      `--${name}: found ${JSON.stringify(text)}, expected ${error.message}`,
    );
  }
  throw usageError(journalPruneCommand, `--${name}: found ${text}, expected 0 or more`);
}

async function withJournal<T>(
  path: string,
  mode: "read" | "write",
  io: Io,
  work: (journal: Journal) => Promise<T>,
): Promise<T> {
  const journal = openJournal({ path, mode, nowMs: io.nowMs, ballastBytes: 0 });
  try {
    return await work(journal);
  } finally {
    await journal.close();
  }
}

function statsJson(stats: JournalStats): Record<string, unknown> {
  return {
    id: stats.id,
    format_version: stats.formatVersion,
    records: stats.records,
    batches: stats.batches,
    first_seq: stats.firstSeq,
    last_seq: stats.lastSeq,
    first_at: stats.firstAtMs === null ? null : formatTime(stats.firstAtMs),
    last_at: stats.lastAtMs === null ? null : formatTime(stats.lastAtMs),
    bytes: stats.bytes,
    checkpoints: stats.checkpoints,
    indexed_seq: stats.indexedSeq,
  };
}

function statsText(path: string, stats: JournalStats): string {
  const perBatch = stats.batches > 0 ? formatNumber(stats.records / stats.batches, 1) : "0";
  return [
    `journal      ${path}`,
    `id           ${stats.id} (format ${stats.formatVersion})`,
    `records      ${stats.records} in ${stats.batches} commits (${perBatch} each)`,
    `seq          ${stats.firstSeq} to ${stats.lastSeq}, indexed to ${stats.indexedSeq}`,
    `time         ${formatTime(stats.firstAtMs)} to ${formatTime(stats.lastAtMs)}`,
    `size         ${formatSize(stats.bytes)}`,
    `checkpoints  ${stats.checkpoints}`,
    "",
  ].join("\n");
}
