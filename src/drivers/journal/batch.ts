import { createHash } from "node:crypto";
import type { JournalRecord } from "../../machines/model/record.ts";
import { JournalError, type Checkpoint } from "./port.ts";
import { DAMAGE_ADVICE } from "./sqlite-error.ts";

/** Version of the records' shape; a higher one needs an upcast from each older (docs/journal-format.md). */
export const RECORD_VERSION = 1;

/** One group commit as it lies in the file. */
export interface Batch {
  readonly firstSeq: number;
  readonly lastSeq: number;
  /** Of the facts, cut to whole milliseconds. */
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly recordVersion: number;
  readonly checksum: Buffer;
  /** UTF-8 JSON lines, each ended by a line feed. */
  readonly body: Buffer;
}

/** Where the next batch has to follow on: the end of what is known to be good. */
export interface Link {
  readonly seq: number;
  readonly checksum: Buffer;
}

/** The checksum that the first batch of a journal follows. */
export const GENESIS = Buffer.alloc(32);

/** Throws `JournalError` if the records do not follow `link` one by one or have no usable time. */
export function sealBatch(journalId: string, link: Link, records: readonly JournalRecord[]): Batch {
  let body = "";
  let seq = link.seq;
  for (const record of records) {
    if (record.seq !== ++seq) {
      throw new JournalError(
        "gap",
        `append got seq ${record.seq} where ${seq} has to follow: a bug of the caller, nothing was kept`,
        { seq },
      );
    }
    body += JSON.stringify(record) + "\n";
  }
  const header = {
    firstSeq: link.seq + 1,
    lastSeq: seq,
    firstAtMs: wholeMs(records[0]),
    lastAtMs: wholeMs(records.at(-1)),
    recordVersion: RECORD_VERSION,
  };
  const bytes = Buffer.from(body);
  return {
    ...header,
    checksum: batchChecksum(journalId, link.checksum, header, bytes),
    body: bytes,
  };
}

/** sha256 over the checksum before, the header as one ASCII line, and the body. */
export function batchChecksum(
  journalId: string,
  previous: Buffer,
  header: Omit<Batch, "checksum" | "body">,
  body: Buffer,
): Buffer {
  const { recordVersion, firstSeq, lastSeq, firstAtMs, lastAtMs } = header;
  return createHash("sha256")
    .update(previous)
    .update(`${journalId} ${recordVersion} ${firstSeq} ${lastSeq} ${firstAtMs} ${lastAtMs}\n`)
    .update(body)
    .digest();
}

/** The batch's records as JSON values of the right number and seqs. Throws `JournalError`: `badRecord`, `unknownVersion`. */
export function parseBatch(batch: Batch, journalName: string): JournalRecord[] {
  if (batch.recordVersion !== RECORD_VERSION) {
    throw new JournalError(
      "unknownVersion",
      `${journalName}: the records from seq ${batch.firstSeq} on have version ${batch.recordVersion}, this program reads ` +
        `${RECORD_VERSION}: use the release of dispatch-cloud that wrote them, or a newer one`,
      { seq: batch.firstSeq },
    );
  }
  const lines = batchLines(batch);
  let records: JournalRecord[];
  try {
    // One parse of the whole is no slower than one per line, and a line feed cannot stand inside a JSON string.
    records = JSON.parse(`[${lines.join(",")}]`) as JournalRecord[];
  } catch (cause) {
    const seq = batch.firstSeq + Math.max(0, lines.findIndex(isNoJson));
    throw new JournalError(
      "badRecord",
      `${journalName}: record ${seq} is no JSON; ${DAMAGE_ADVICE}`,
      { seq, cause },
    );
  }
  const expected = batch.lastSeq - batch.firstSeq + 1;
  const wrong = records.findIndex((record, at) => record?.seq !== batch.firstSeq + at);
  if (wrong >= 0 || records.length !== expected) {
    const seq = batch.firstSeq + (wrong >= 0 ? wrong : records.length);
    throw new JournalError(
      "badRecord",
      `${journalName}: the batch from seq ${batch.firstSeq} to ${batch.lastSeq} has another record in the place of ${seq}; ` +
        DAMAGE_ADVICE,
      { seq },
    );
  }
  return records;
}

/** Throws `JournalError` if the checkpoint is not of records that the journal holds. */
export function requireWithin(checkpoint: Checkpoint, baseSeq: number, lastSeq: number): void {
  const { seq } = checkpoint;
  if (Number.isSafeInteger(seq) && seq >= baseSeq && seq <= lastSeq) return;
  throw new JournalError(
    "badRecord",
    `a checkpoint at seq ${seq} is outside of the journal (${baseSeq} to ${lastSeq}): a bug of the caller`,
    { seq },
  );
}

/** One JSON text per record. */
export function batchLines(batch: Batch): string[] {
  const lines = batch.body.toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

function isNoJson(line: string): boolean {
  try {
    JSON.parse(line);
    return false;
  } catch {
    return true;
  }
}

function wholeMs(record: JournalRecord | undefined): number {
  const atMs = Math.floor(record?.fact.atMs ?? NaN);
  if (Number.isSafeInteger(atMs)) return atMs;
  throw new JournalError(
    "badRecord",
    `the fact of seq ${record?.seq ?? "?"} has no usable atMs: a bug of the caller, nothing was kept`,
  );
}
