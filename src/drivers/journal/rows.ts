import type Database from "libsql";

export interface Connected {
  readonly db: Database.Database;
}

/**
 * Rows as arrays. Texts of the file must be selected `CAST(… AS BLOB)` and numbers `CAST(… AS INTEGER)`: libsql aborts
 * the process over a text that is not UTF-8, which a single flipped bit can make of either.
 */
export function rows(store: Connected, sql: string, ...values: unknown[]): unknown[][] {
  return store.db
    .prepare(sql)
    .raw()
    .all(...values) as unknown[][];
}

export function integer(store: Connected, sql: string, ...values: unknown[]): number {
  return Number(rows(store, sql, ...values)[0]?.[0] ?? 0);
}

export function asBuffer(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  return value instanceof ArrayBuffer ? Buffer.from(value) : Buffer.alloc(0);
}

/** What a PRAGMA answers with its first column. */
export function pragma(db: Database.Database, source: string): unknown {
  return (db.prepare(`PRAGMA ${source}`).raw().all() as unknown[][])[0]?.[0];
}

/** All or nothing. */
export function inTransaction<T>(store: Connected, work: () => T): T {
  const { db } = store;
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    // A full disk has rolled it back already.
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
