import { createHash } from "node:crypto";
import { prunedSeq } from "../actors/timeline/start.ts";
import type { Checkpoint, Journal } from "../drivers/journal/port.ts";
import { Core, CODE_VERSION } from "../machines/core/core.ts";
import { ONLY } from "../machines/model/ids.ts";
import { replay, type Difference } from "../machines/core/replay.ts";
import type { JournalRecord } from "../machines/model/record.ts";
import { CliError, EXIT } from "./exit-code.ts";

/** How far to go; both ends inclusive. */
export interface Until {
  readonly seq?: number | undefined;
}

/** Where what is computed now and what is recorded part. */
export interface FoundDifference extends Omit<Difference, "what"> {
  readonly what: Difference["what"] | "checkpoint";
  /** The version of the deciding code that recorded it. */
  readonly recordedBy: string;
}

export interface ReplayRun {
  /** 0 is the beginning. */
  readonly startSeq: number;
  readonly recordsCount: number;
  readonly core: Core;
  readonly difference: FoundDifference | undefined;
}

/** Recorded by other code: what it says cannot be held against this one. */
export class OtherCodeError extends CliError {
  constructor(message: string) {
    super(message, { exitCode: EXIT.otherCode });
  }
}

/**
 * Where a replay may begin: with nothing, and after each checkpoint in the range. Where the oldest records were pruned,
 * with a checkpoint only. Throws `OtherCodeError`, `CliError`.
 */
export function startsOf(journal: Journal, until: Until): (Checkpoint | undefined)[] {
  const pruned = prunedSeq(journal);
  const checkpoints = journal
    .checkpointSeqs()
    .filter((seq) => seq >= pruned && seq <= (until.seq ?? Infinity))
    .map((seq) => journal.checkpoint({ atOrBeforeSeq: seq }))
    // A damaged one is passed over, and then the one before it is found twice.
    .filter((each, at, all) => each && all.findIndex((other) => other?.seq === each.seq) === at);
  if (pruned === 0) return [undefined, ...checkpoints];
  if (checkpoints.length === 0) {
    throw new CliError(
      `the records up to seq ${pruned} were pruned, and there is no checkpoint in the range to begin with; ` +
        "ask for a later --until",
    );
  }
  return checkpoints;
}

/** Folds from a start on, deciding everything anew. With `compared`, its checkpoints must be what the fold comes to. */
export function replayFrom(
  journal: Journal,
  start: Checkpoint | undefined,
  options: { until: Until; compared?: readonly (Checkpoint | undefined)[] },
): ReplayRun {
  const core = start ? restoreFrom(start) : new Core(journal.id);
  const bySeq = new Map((options.compared ?? []).map((each) => [each?.seq, each]));
  let recordedBy = core.registry.get("supervisor", ONLY)?.context.version ?? "";
  let unlike: FoundDifference | undefined;
  function* records(): Generator<JournalRecord> {
    const { seq: toSeq } = options.until;
    for (const record of journal.read({ fromSeq: core.seq + 1, toSeq })) {
      if (unlike) return;
      if (record.fact.type === "daemon.started") recordedBy = record.fact.version;
      yield record;
    }
  }
  const result = replay(core, records(), ({ seq }) => {
    const checkpoint = bySeq.get(seq);
    if (checkpoint) unlike = compareCheckpoint(checkpoint, core);
  });
  const { difference, recordsCount } = result;
  const found = difference ? { ...difference, recordedBy } : unlike;
  return { startSeq: start?.seq ?? 0, recordsCount, core, difference: found };
}

function restoreFrom(checkpoint: Checkpoint): Core {
  const { seq, code, state } = checkpoint;
  if (code !== CODE_VERSION) {
    throw new OtherCodeError(
      `the checkpoint at seq ${seq} was made by version ${code} of the deciding code, this is ${CODE_VERSION}: ` +
        "replay it with the release that wrote it",
    );
  }
  return Core.restore(state);
}

function compareCheckpoint(checkpoint: Checkpoint, core: Core): FoundDifference | undefined {
  const state = core.store();
  if (state === checkpoint.state) return undefined;
  const parts = firstUnlike(JSON.parse(checkpoint.state), JSON.parse(state));
  return { seq: checkpoint.seq, what: "checkpoint", ...parts, recordedBy: checkpoint.code };
}

/** The first place where two JSON values part, and what is there. */
function firstUnlike(
  recorded: unknown,
  replayed: unknown,
  place = "",
): Pick<Difference, "recorded" | "replayed"> {
  if (isBranch(recorded) && isBranch(replayed)) {
    for (const key of new Set([...Object.keys(recorded), ...Object.keys(replayed)])) {
      if (JSON.stringify(recorded[key]) !== JSON.stringify(replayed[key])) {
        return firstUnlike(recorded[key], replayed[key], `${place}/${key}`);
      }
    }
  }
  return {
    recorded: { place, value: recorded ?? null },
    replayed: { place, value: replayed ?? null },
  };
}

function isBranch(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** SHA-256 of the whole state: equal states have equal checksums. */
export function checksumOf(core: Core): string {
  return createHash("sha256").update(core.store()).digest("hex");
}
