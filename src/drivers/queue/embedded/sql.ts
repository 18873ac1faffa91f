import { limitReached, toStoreError, usedBytes, type Db } from "./schema.ts";

export type SqlValue = string | number | bigint | null;

export interface Sql {
  readonly text: string;
  readonly values: readonly SqlValue[];
}

/** Rows are arrays of columns, integers come as bigint. Throws `QueueStoreError` where SQLite throws. */
export interface SqlRunner {
  all(sql: Sql): SqlValue[][];
  insert(table: string, record: Readonly<Record<string, SqlValue>>): void;
  update(table: string, uuid: string, columns: Iterable<readonly [string, SqlValue]>): void;
  /** All or nothing, and durable when it returns. */
  transaction<T>(work: () => T): T;
  /** Throws where nothing new may come in. */
  assertRoom(): void;
  close(): void;
}

/** Select lists and filters come from outside: there is no end of different ones. */
const STATEMENTS_MAX = 200;

export interface SqlOptions {
  readonly path: string;
  /** 0: no limit. */
  readonly bytesMax: number;
}

export function makeSqlRunner(db: Db, { path, bytesMax }: SqlOptions): SqlRunner {
  const guard = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw toStoreError(error, path, bytesMax);
    }
  };
  const prepare = keepStatements((text) => db.prepare<SqlValue[]>(text).raw().safeIntegers(true));
  const prepareWrite = keepStatements((text) => db.prepare<SqlValue[]>(text));
  const write = (text: string, values: readonly SqlValue[]) =>
    guard(() => prepareWrite(text).run(...values));
  return {
    all: ({ text, values }) => guard(() => prepare(text).all(...values) as SqlValue[][]),
    insert(table, record) {
      const names = Object.keys(record);
      const marks = names.map(() => "?").join(", ");
      write(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${marks})`, Object.values(record));
    },
    update(table, uuid, columns) {
      const entries = [...columns];
      const sets = entries.map(([name]) => `${name} = ?`).join(", ");
      const values = entries.map(([, value]) => value);
      write(`UPDATE ${table} SET ${sets} WHERE uuid = ?`, [...values, uuid]);
    },
    transaction: (work) => guard(() => inTransaction(db, work)),
    assertRoom() {
      if (bytesMax > 0 && guard(() => usedBytes(db)) >= bytesMax)
        throw limitReached(path, bytesMax);
    },
    close: () => void db.close(),
  };
}

function keepStatements<T>(prepare: (text: string) => T): (text: string) => T {
  const statements = new Map<string, T>();
  return (text) => {
    let statement = statements.get(text);
    if (statement === undefined) {
      if (statements.size >= STATEMENTS_MAX) statements.clear();
      statement = prepare(text);
      statements.set(text, statement);
    }
    return statement;
  };
}

/** The first error is what is told: a full disk has rolled back already, and another rollback would fail over that. */
function inTransaction<T>(db: Db, work: () => T): T {
  db.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    db.exec("COMMIT");
    return result;
  } catch (error) {
    if (db.inTransaction) db.exec("ROLLBACK");
    throw error;
  }
}
