import { openJournal } from "../../drivers/journal/sqlite.ts";
import type { Journal } from "../../drivers/journal/port.ts";
import { CODE_VERSION } from "../../machines/core/core.ts";
import { formatSpan } from "../../machines/model/amounts.ts";
import { defineCommand, JSON_FLAG } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { JOURNAL_ARG, JOURNAL_NOTE, journalPath } from "../journal-path.ts";
import { momentFlag, seqOfMoment } from "../moment-flag.ts";
import {
  checksumOf,
  OtherCodeError,
  replayFrom,
  startsOf,
  type FoundDifference,
  type ReplayRun,
  type Until,
} from "../replay-journal.ts";
import { describeState, stateJson } from "../replay-state.ts";

export const replayCommand = defineCommand({
  name: "replay",
  summary:
    "Decides everything in a journal anew, without any effect, and prints the state that it arrives at.",
  flags: {
    until: {
      type: "string",
      value: "SEQ|TIME",
      help: "Stop after this record, or after the last one at or before this RFC 3339 time",
    },
    "from-checkpoints": {
      type: "boolean",
      help: "Also begin at each checkpoint; all must arrive at the same state, and at each other's",
    },
    json: JSON_FLAG,
  },
  args: JOURNAL_ARG,
  notes: [
    JOURNAL_NOTE,
    "The file is opened for reading only. The replay stops at the first record whose commands, decisions or limits " +
      "are not what was recorded, and names it. Two replays that print the same checksum arrived at the same state.",
  ],
  exitCodes: {
    [EXIT.ok]: "every command and decision is as recorded",
    [EXIT.failed]: "there is a difference, or the journal is damaged",
    [EXIT.otherCode]: "what differs was recorded by another version of the deciding code",
  },
  examples: [
    "dispatch-cloud replay /var/lib/dispatch-cloud",
    "dispatch-cloud replay --until 2026-01-02T03:04:05Z --json journal.db",
  ],
  async run({ flags, args, io }) {
    const named = momentFlag(replayCommand, "until", flags.until);
    const path = journalPath(args[0] ?? "");
    const journal = openJournal({ path, mode: "read", nowMs: io.nowMs });
    try {
      const until = named ? { seq: seqOfMoment(journal, named, io.nowMs()) } : {};
      const startedMs = performance.now();
      const runs = replayAll(journal, until, flags["from-checkpoints"]);
      const tookMs = performance.now() - startedMs;
      const difference = runs.find((run) => run.difference)?.difference ?? endsUnlike(runs);
      if (flags.json) io.out(`${JSON.stringify(runsJson(journal, runs, difference), null, 2)}\n`);
      else io.out(runsText(runs, tookMs));
      return verdict(difference, io.err);
    } finally {
      await journal.close();
    }
  },
});

function replayAll(journal: Journal, until: Until, fromCheckpoints: boolean): ReplayRun[] {
  const [first, ...others] = startsOf(journal, until);
  const compared = fromCheckpoints ? others : [];
  const runs = [replayFrom(journal, first, { until, compared })];
  for (const start of compared) {
    if (runs.at(-1)?.difference) break;
    runs.push(replayFrom(journal, start, { until }));
  }
  return runs;
}

/** A start may be later than the others' end: with `--until TIME` some checkpoints lie beyond it. */
function endsUnlike([first, ...others]: readonly ReplayRun[]): FoundDifference | undefined {
  if (!first) return undefined;
  const expected = checksumOf(first.core);
  for (const { startSeq, core } of others) {
    const checksum = checksumOf(core);
    if (startSeq > first.core.seq || checksum === expected) continue;
    const { seq } = core;
    const [recorded, replayed] = [expected, checksum];
    return { seq, what: "checkpoint", recorded, replayed, recordedBy: CODE_VERSION };
  }
  return undefined;
}

function verdict(difference: FoundDifference | undefined, err: (text: string) => void): number {
  if (!difference) return EXIT.ok;
  const { seq, what, recorded, replayed, recordedBy } = difference;
  err(`seq ${seq}: ${what} differ\n`);
  err(`  recorded: ${JSON.stringify(recorded)}\n  replayed: ${JSON.stringify(replayed)}\n`);
  if (recordedBy === CODE_VERSION) return EXIT.failed;
  throw new OtherCodeError(
    `seq ${seq} was recorded by version ${recordedBy || "unknown"} of the deciding code, this is ${CODE_VERSION}: ` +
      "they decide otherwise; replay it with the release that wrote it to check the journal itself",
  );
}

function runsText(runs: readonly ReplayRun[], tookMs: number): string {
  const total = runs.reduce((sum, { recordsCount }) => sum + recordsCount, 0);
  const rate = tookMs > 0 ? Math.round(total / (tookMs / 1000)) : 0;
  const lines = runs.map(({ startSeq, recordsCount, core, difference }) => {
    const from = startSeq === 0 ? "the beginning" : `the checkpoint at seq ${startSeq}`;
    const end = difference ? "then comes a difference" : "all as recorded";
    return `from ${from}: ${recordsCount} records, to seq ${core.seq}: ${end}\n`;
  });
  const [first] = runs;
  const state = first ? describeState(first.core) : "";
  return `${lines.join("")}${total} records in ${formatSpan(tookMs)} (${rate} a second)\n\n${state}`;
}

function runsJson(
  journal: Journal,
  runs: readonly ReplayRun[],
  difference: FoundDifference | undefined,
): Record<string, unknown> {
  const [first] = runs;
  return {
    journal_id: journal.id,
    code_version: CODE_VERSION,
    ...(first ? stateJson(first.core) : {}),
    runs: runs.map(({ startSeq, recordsCount, core }) => ({
      start_seq: startSeq,
      records: recordsCount,
      seq: core.seq,
      checksum: checksumOf(core),
    })),
    difference: difference
      ? {
          seq: difference.seq,
          what: difference.what,
          recorded: difference.recorded,
          replayed: difference.replayed,
          recorded_by: difference.recordedBy,
        }
      : null,
  };
}
