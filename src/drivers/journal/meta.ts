import { createHash } from "node:crypto";
import { GENESIS, type Link } from "./batch.ts";
import { JournalError, type JournalBreak } from "./port.ts";
import { asBuffer, rows, type Connected } from "./rows.ts";
import { DAMAGE_ADVICE } from "./sqlite-error.ts";

/** Version of the file's layout; see docs/journal-format.md. */
export const FORMAT_VERSION = 1;
/** The same, of a file in which records are under more than one id. */
export const FORMAT_VERSION_WITH_IDS = 2;

/** Who a journal is. */
export interface Identity {
  /** Under which records are written now. */
  readonly id: string;
  readonly formatVersion: number;
  readonly breaks: readonly JournalBreak[];
}

const SUM = "meta_checksum";
/** Not under the sum: it is written often, and says nothing that could not be made anew. */
const UNSEALED = "indexed_seq";
const KEYS: readonly string[] = [
  "format_version",
  "journal_id",
  "created_at_ms",
  "base_seq",
  "base_checksum",
  "breaks",
  UNSEALED,
  SUM,
];

export function readMeta(store: Connected, key: string): string | undefined {
  const found = rows(store, "SELECT CAST(value AS BLOB) FROM meta WHERE key = ?", key)[0];
  return found && asBuffer(found[0]).toString();
}

export function writeMeta(store: Connected, key: string, value: string | number): void {
  store.db
    .prepare(
      "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )
    .run(key, String(value));
}

/** What the oldest batch follows: the last one that was pruned, or the beginning. */
export function readBase(store: Connected & { readonly path: string }): Link {
  const seq = Number(readMeta(store, "base_seq"));
  const checksum = Buffer.from(readMeta(store, "base_checksum") ?? "", "hex");
  if (Number.isSafeInteger(seq) && checksum.length === GENESIS.length) return { seq, checksum };
  throw new JournalError(
    "damaged",
    `${store.path}: the journal's beginning is not readable; ${DAMAGE_ADVICE}`,
  );
}

/** The id that a record, or a checkpoint at it, is sealed with. */
export function idAt({ id, breaks }: Pick<Identity, "id" | "breaks">, seq: number): string {
  return breaks.find((one) => one.journalId !== null && seq <= one.lastSeq)?.journalId ?? id;
}

/** To be called in the transaction of every change of `meta`, so that a flipped bit in it is told from one. */
export function sealMeta(store: Connected): void {
  writeMeta(store, SUM, sumOf(readAll(store)));
}

/** Of a file that was made before there was a sum. */
export function isSealed(store: Connected): boolean {
  return readMeta(store, SUM) !== undefined;
}

/** To be called in a transaction. */
export function writeIdentity(store: Connected, { id, breaks }: Identity): void {
  writeMeta(store, "format_version", versionOf(breaks));
  writeMeta(store, "journal_id", id);
  writeMeta(store, "breaks", JSON.stringify(breaks));
  sealMeta(store);
}

export function versionOf(breaks: readonly JournalBreak[]): number {
  const hasIds = breaks.some(({ journalId }) => journalId !== null);
  return hasIds ? FORMAT_VERSION_WITH_IDS : FORMAT_VERSION;
}

/** Throws `JournalError`: `unknownVersion`, `damaged`. */
export function identityOf(store: Connected, path: string): Identity {
  const meta = readAll(store);
  const sum = meta.get(SUM);
  // One that was written before there was a sum has no keys but ours.
  const isGood = sum ? sum === sumOf(meta) : [...meta.keys()].every((key) => KEYS.includes(key));
  const version = Number(meta.get("format_version"));
  if (isGood && sum && version !== FORMAT_VERSION && version !== FORMAT_VERSION_WITH_IDS) {
    throw new JournalError(
      "unknownVersion",
      `${path} has journal format ${meta.get("format_version") ?? "(none)"}, this program knows ${FORMAT_VERSION} and ` +
        `${FORMAT_VERSION_WITH_IDS}: use the release of dispatch-cloud that wrote it, or move the file away to start ` +
        "with a new journal",
    );
  }
  const id = meta.get("journal_id");
  const breaks = parseBreaks(meta.get("breaks") ?? "[]");
  if (isGood && id && breaks && version === versionOf(breaks)) {
    return { id, breaks, formatVersion: version };
  }
  throw new JournalError(
    "damaged",
    `${path}: what the journal says of itself (its table meta) is not what was written; ${DAMAGE_ADVICE}`,
  );
}

function parseBreaks(text: string): readonly JournalBreak[] | undefined {
  try {
    const breaks: unknown = JSON.parse(text);
    return Array.isArray(breaks) ? (breaks as JournalBreak[]) : undefined;
  } catch {
    return undefined;
  }
}

function readAll(store: Connected): Map<string, string> {
  const found = rows(store, "SELECT CAST(key AS BLOB), CAST(value AS BLOB) FROM meta");
  return new Map(
    found.map(([key, value]) => [asBuffer(key).toString(), asBuffer(value).toString()]),
  );
}

function sumOf(meta: ReadonlyMap<string, string>): string {
  const sealed = [...meta].filter(([key]) => key !== SUM && key !== UNSEALED);
  const lines = sealed.map((entry) => JSON.stringify(entry)).sort();
  return createHash("sha256").update(lines.join("\n")).digest("hex");
}
