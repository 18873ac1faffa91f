import { createHash } from "node:crypto";
import type { Checkpoint } from "./port.ts";
import { idAt } from "./meta.ts";
import { asBuffer, inTransaction, rows } from "./rows.ts";
import { type Store } from "./store.ts";

/** A checkpoint as it lies in the file. */
export interface StoredCheckpoint extends Checkpoint {
  /** Whether it is what was written. */
  readonly intact: boolean;
}

/** Keeps the newest `keep` and removes the others. */
export function writeCheckpoint(
  store: Store,
  checkpoint: Checkpoint,
  options: { nowMs: number; keep: number },
): void {
  const { seq, code, state } = checkpoint;
  const savedAtMs = Math.floor(options.nowMs);
  inTransaction(store, () => {
    store.db
      .prepare("INSERT OR REPLACE INTO checkpoint VALUES (?, ?, ?, ?, ?)")
      .run(seq, code, savedAtMs, checksumOf(idAt(store, seq), savedAtMs, checkpoint), state);
    store.db
      .prepare(
        "DELETE FROM checkpoint WHERE seq NOT IN (SELECT seq FROM checkpoint ORDER BY seq DESC LIMIT ?)",
      )
      .run(options.keep);
  });
}

export function readCheckpointSeqs(store: Store): number[] {
  return rows(store, "SELECT CAST(seq AS INTEGER) FROM checkpoint ORDER BY seq").map(([seq]) =>
    Number(seq),
  );
}

export function readCheckpoint(store: Store, seq: number): StoredCheckpoint | undefined {
  const [row] = rows(
    store,
    `SELECT CAST(code AS BLOB), CAST(saved_at_ms AS INTEGER), CAST(checksum AS BLOB), CAST(state AS BLOB)
     FROM checkpoint WHERE seq = ?`,
    seq,
  );
  if (!row) return undefined;
  const checkpoint = { seq, code: asBuffer(row[0]).toString(), state: asBuffer(row[3]).toString() };
  const intact = checksumOf(idAt(store, seq), Number(row[1]), checkpoint).equals(asBuffer(row[2]));
  return { ...checkpoint, intact };
}

/** The newest intact one that fits. */
export function findCheckpoint(
  store: Store,
  options: { atOrBeforeSeq?: number; code?: string } = {},
): Checkpoint | undefined {
  for (const seq of readCheckpointSeqs(store).reverse()) {
    if (seq > (options.atOrBeforeSeq ?? Infinity)) continue;
    const found = readCheckpoint(store, seq);
    if (!found?.intact || (options.code !== undefined && found.code !== options.code)) continue;
    return { seq: found.seq, code: found.code, state: found.state };
  }
  return undefined;
}

function checksumOf(journalId: string, savedAtMs: number, checkpoint: Checkpoint): Buffer {
  const { seq, code, state } = checkpoint;
  return createHash("sha256")
    .update(`checkpoint ${journalId} ${seq} ${savedAtMs} ${code.length} ${code}\n`)
    .update(state)
    .digest();
}
