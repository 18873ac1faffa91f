// Run as a process of its own: what it looks for includes a journal that takes the process down.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { checkJournal } from "../../../src/drivers/journal/check.ts";
import { exportJournal } from "../../../src/drivers/journal/export.ts";
import { openJournal } from "../../../src/drivers/journal/sqlite.ts";
import { makeChance } from "./records.ts";

/** Everything that a reader can get out of the file. */
async function contentOf(path: string): Promise<string> {
  const lines: string[] = [];
  exportJournal(path, (line) => lines.push(line));
  const journal = openJournal({ path, mode: "read", nowMs: () => 0 });
  for (const seq of journal.checkpointSeqs()) {
    lines.push(JSON.stringify(journal.checkpoint({ atOrBeforeSeq: seq })));
  }
  await journal.close();
  return lines.join("\n");
}

const [path = "", first = "0", count = "0"] = process.argv.slice(2);
const intact = await contentOf(path);
const bytes = readFileSync(path);
const tally = { found: 0, harmless: 0 };
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const chance = makeChance(seed);
  const at = Math.floor(chance() * bytes.length);
  const bit = 1 << Math.floor(chance() * 8);
  process.stdout.write(`seed ${seed}: byte ${at}, bit ${bit}\n`);
  const copy = `${path}.flipped`;
  copyFileSync(path, copy);
  const flipped = Buffer.from(bytes);
  flipped[at] = (flipped[at] ?? 0) ^ bit;
  writeFileSync(copy, flipped);
  const report = checkJournal(copy);
  if (!report.ok) tally.found += 1;
  else if ((await contentOf(copy)) === intact) tally.harmless += 1;
  else {
    process.stdout.write("MISSED: the check found nothing and the content differs\n");
    process.exitCode = 1;
  }
  rmSync(copy);
  // Connections are freed in the event loop only.
  await new Promise(setImmediate);
}
process.stdout.write(`${JSON.stringify(tally)}\n`);
