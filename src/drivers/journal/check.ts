import { statSync } from "node:fs";
import { recordSchema, type JournalRecord } from "../../machines/model/record.ts";
import { countIndexed, pairsOf, readIndexedSeq } from "./actor-index.ts";
import { parseBatch, type Batch } from "./batch.ts";
import { checksumAt, readLastSeq } from "./batches.ts";
import { toProblem, walkChain } from "./chain.ts";
import { readCheckpoint, readCheckpointSeqs } from "./checkpoints.ts";
import { breakText, judge, openBreaks, type Testimony } from "./continuity.ts";
import { readBase } from "./meta.ts";
import type { JournalBreak, JournalProblem } from "./port.ts";
import { asBuffer, integer, rows } from "./rows.ts";
import { DAMAGE_ADVICE, toJournalError } from "./sqlite-error.ts";
import { closeStore, openForReading, realPath, type Store } from "./store.ts";
import { readWitness, witnessPath } from "./witness.ts";

export interface JournalReport {
  readonly ok: boolean;
  readonly records: number;
  readonly batches: number;
  readonly checkpoints: number;
  /** In the order found; those of the database file's structure first. */
  readonly problems: readonly JournalProblem[];
}

const COMING_ID = "that its next start makes";
const ACCEPT_ADVICE = "`dispatch-cloud journal accept` takes note of it";

/** More would say nothing new. */
const PROBLEMS_MAX = 100;

/**
 * Reads everything: the database's structure, the chain of checksums, each record against its schema, checkpoints and
 * actor index. Goes on after damage, to tell its extent. Never throws for what it finds, nor writes to the file.
 */
export function checkJournal(path: string): JournalReport {
  const found = { records: 0, batches: 0, checkpoints: 0, problems: [] as JournalProblem[] };
  const report = (error: unknown) =>
    found.problems.push(toProblem(toJournalError(error, path, "checking")));
  let store: Store | undefined;
  // Before the journal, which goes on meanwhile.
  const testimony = readWitness(witnessPath(path));
  try {
    store = openForReading(realPath(path));
    const checkEnd = (of: Store, into: Found) => checkWitness(of, testimony, into);
    for (const part of [checkStructure, checkBatches, checkEnd, checkCheckpoints]) {
      try {
        part(store, found);
      } catch (error) {
        report(error);
      }
    }
  } catch (error) {
    report(error);
    reportEmpty(path, testimony, found);
  } finally {
    if (store) closeStore(store);
  }
  const problems = found.problems.slice(0, PROBLEMS_MAX);
  return { ...found, ok: problems.length === 0, problems };
}

type Found = { records: number; batches: number; checkpoints: number; problems: JournalProblem[] };

function checkStructure(store: Store, found: Found): void {
  for (const [answer] of rows(store, "SELECT CAST(quick_check AS BLOB) FROM pragma_quick_check")) {
    const text = asBuffer(answer).toString();
    if (text === "ok") continue;
    found.problems.push({
      code: "damaged",
      seq: null,
      message: `${store.path}: the database file is broken: ${text}; ${DAMAGE_ADVICE}`,
    });
  }
}

function checkBatches(store: Store, found: Found): void {
  const index = new IndexCheck(store);
  let lastSeq = 0;
  for (const step of walkChain(store)) {
    found.problems.push(...step.problems);
    lastSeq = step.lastSeq;
    if (!step.batch) continue;
    checkRecords(store, step.batch, { found, index });
    found.batches += 1;
  }
  const problem = index.verdict(lastSeq);
  if (problem) found.problems.push(problem);
}

function checkRecords(store: Store, batch: Batch, to: { found: Found; index: IndexCheck }): void {
  const { found, index } = to;
  let records: JournalRecord[];
  try {
    records = parseBatch(batch, store.path);
  } catch (error) {
    found.problems.push(toProblem(toJournalError(error, store.path, "checking")));
    index.giveUp();
    return;
  }
  found.records += records.length;
  const sound = records.filter((record) => {
    const parsed = recordSchema.safeParse(record);
    if (parsed.success) return true;
    const issue = parsed.error.issues[0];
    const where = `${issue?.path.join(".") ?? ""}: ${issue?.message ?? "unknown"}`;
    found.problems.push({
      code: "badRecord",
      seq: record.seq,
      message: `${store.path}: record ${record.seq} has not the shape of a record (${where}); ${DAMAGE_ADVICE}`,
    });
    index.giveUp();
    return false;
  });
  index.compare(sound);
}

/** Whether the actor index says the same as the records, as far as it goes. */
class IndexCheck {
  readonly #store: Store;
  readonly #toSeq: number;
  readonly #fromSeq: number;
  #expected = 0;
  #firstMissing: number | null = null;
  #comparable = true;

  constructor(store: Store) {
    this.#store = store;
    this.#fromSeq = readBase(store).seq;
    this.#toSeq = readIndexedSeq(store);
  }

  /** Records that cannot be read leave nothing to compare with. */
  giveUp(): void {
    this.#comparable = false;
  }

  compare(records: readonly JournalRecord[]): void {
    const covered = records.filter(({ seq }) => seq <= this.#toSeq);
    if (!this.#comparable || covered.length === 0) return;
    const pairs = pairsOf(covered).length;
    this.#expected += pairs;
    if (countIndexed(this.#store, covered) < pairs) this.#firstMissing ??= covered[0]?.seq ?? null;
  }

  verdict(lastSeq: number): JournalProblem | undefined {
    const pruned = readBase(this.#store).seq !== this.#fromSeq;
    if (!this.#comparable || pruned) return undefined;
    const entries = integer(
      this.#store,
      "SELECT count(*) FROM actor_record WHERE seq > ? AND seq <= ?",
      this.#fromSeq,
      this.#toSeq,
    );
    if (this.#toSeq <= lastSeq && this.#firstMissing === null && entries === this.#expected) {
      return undefined;
    }
    return {
      code: "badIndex",
      seq: this.#firstMissing,
      message:
        `${this.#store.path}: the actor index does not fit the records (${entries} entries, ${this.#expected} ` +
        "expected); the records are not concerned: rebuild it with `dispatch-cloud journal check --rebuild-index`",
    };
  }
}

/** What the file cannot tell of itself: whether records are missing behind its end. */
function checkWitness(store: Store, testimony: Testimony, found: Found): void {
  const { id, breaks } = store;
  const lastSeq = readLastSeq(store);
  for (const one of openBreaks(breaks)) found.problems.push(missingProblem(store, one, id));
  const of = { id, breaks, lastSeq, checksumAt: (seq: number) => checksumAt(store, seq) };
  const cause = judge(testimony, of);
  if (!cause) return;
  const witness = typeof testimony === "string" ? null : testimony;
  const coming = { cause, atMs: 0, lastSeq, journalId: id, witness, accepted: null };
  found.problems.push(missingProblem(store, coming, COMING_ID));
}

/** A file of no length says nothing of itself; a start takes it for a new one. */
function reportEmpty(path: string, testimony: Testimony, found: Found): void {
  if (typeof testimony === "string" || testimony.lastSeq === 0) return;
  if (statSync(path, { throwIfNoEntry: false })?.size !== 0) return;
  const { journalId } = testimony;
  const lost = { cause: "lost", atMs: 0, lastSeq: 0, journalId, witness: testimony } as const;
  found.problems.push(missingProblem({ path }, { ...lost, accepted: null }, COMING_ID));
}

function missingProblem(
  { path }: Pick<Store, "path">,
  one: JournalBreak,
  newId: string,
): JournalProblem {
  return {
    code: "recordsMissing",
    seq: one.lastSeq,
    message: `${path}: ${breakText(one, newId)}; if you know why: ${ACCEPT_ADVICE}`,
  };
}

function checkCheckpoints(store: Store, found: Found): void {
  const lastSeq = readLastSeq(store);
  for (const seq of readCheckpointSeqs(store)) {
    found.checkpoints += 1;
    const problem = checkpointProblem(store, seq, lastSeq);
    if (problem) found.problems.push(problem);
  }
}

function checkpointProblem(store: Store, seq: number, lastSeq: number): JournalProblem | undefined {
  const checkpoint = readCheckpoint(store, seq);
  // Replaced by a newer one since the list was read.
  if (!checkpoint) return undefined;
  if (checkpoint.intact && seq <= lastSeq) return undefined;
  const wrong = checkpoint.intact
    ? `lies beyond the last record (${lastSeq})`
    : "is not what was written (wrong checksum)";
  return {
    code: "badCheckpoint",
    seq,
    message:
      `${store.path}: the checkpoint at seq ${seq} ${wrong}; it is passed over: an older one or the records ` +
      "serve, and the next one that the dispatcher saves takes its place",
  };
}
