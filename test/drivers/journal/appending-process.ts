// Run as a process of its own, to be killed: appends for ever and prints each seq once it is acknowledged.
import { openJournal } from "../../../src/drivers/journal/sqlite.ts";
import { makeChance, recordsFrom, START_MS } from "./records.ts";

const [path = "", seed = "0"] = process.argv.slice(2);
const chance = makeChance(Number(seed));
const journal = openJournal({ path, mode: "write", nowMs: () => START_MS, ballastBytes: 4_096 });
for (let batch = 0; ; batch++) {
  const size = 1 + Math.floor(chance() ** 3 * 400);
  await journal.append(recordsFrom(journal.lastSeq + 1, size, `${seed}.${batch}`));
  const { lastSeq } = journal;
  process.stdout.write(`${lastSeq}\n`);
  if (batch % 10 === 9) {
    const state = JSON.stringify({ lastSeq, filling: "x".repeat(Math.floor(chance() * 100_000)) });
    await journal.saveCheckpoint({ seq: lastSeq, code: "v1", state });
  }
  if (batch % 25 === 24) await journal.prune({ maxBytes: 3_000_000, nowMs: START_MS });
  // The index is written when the loop is free.
  if (chance() < 0.5) await new Promise(setImmediate);
}
