import { createHash } from "node:crypto";
import { lstatSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Testimony, Witness } from "./continuity.ts";

/** More is none of ours. */
const BYTES_MAX = 4_096;

/** `journal.db` has `journal.witness.json` beside it. */
export function witnessPath(journalPath: string): string {
  const name = basename(journalPath).replace(/\.db$/, "");
  return join(dirname(journalPath), `${name}.witness.json`);
}

/** Never throws, nor waits: what is no regular file is unreadable. */
export function readWitness(path: string): Testimony {
  try {
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (!stat) return "none";
    if (!stat.isFile() || stat.size > BYTES_MAX) return "unreadable";
    return parseWitness(readFileSync(path, "utf8"));
  } catch {
    // No rights, or a disk that fails: as if it were torn.
    return "unreadable";
  }
}

function parseWitness(text: string): Testimony {
  const json = JSON.parse(text) as Record<string, unknown> | null;
  const { journal_id: journalId, last_seq: lastSeq, checksum, sum } = json ?? {};
  const isWhole =
    typeof journalId === "string" &&
    typeof checksum === "string" &&
    typeof lastSeq === "number" &&
    Number.isSafeInteger(lastSeq) &&
    lastSeq >= 0 &&
    sum === sumOf({ journalId, lastSeq, checksum });
  return isWhole ? { journalId, lastSeq, checksum } : "unreadable";
}

/** So that a flipped bit is not taken for news. */
function sumOf({ journalId, lastSeq, checksum }: Witness): string {
  return createHash("sha256").update(`${journalId} ${lastSeq} ${checksum}\n`).digest("hex");
}

function textOf(witness: Witness): string {
  const { journalId, lastSeq, checksum } = witness;
  const json = { journal_id: journalId, last_seq: lastSeq, checksum, sum: sumOf(witness) };
  return `${JSON.stringify(json)}\n`;
}

/** All of it or nothing, also where the power fails. */
export async function writeWitness(path: string, witness: Witness): Promise<void> {
  const temporary = `${path}~`;
  try {
    const file = await open(temporary, "w", 0o600);
    try {
      await file.writeFile(textOf(witness));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** The same, at once: for an end that nobody waits for. */
export function writeWitnessNow(path: string, witness: Witness): void {
  const temporary = `${path}~~`;
  try {
    writeFileSync(temporary, textOf(witness), { mode: 0o600, flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}
