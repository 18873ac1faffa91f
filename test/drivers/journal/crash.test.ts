import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkJournal } from "../../../src/drivers/journal/check.ts";
import { makeFilePlace, type FilePlace } from "./place.ts";
import { makeChance } from "./records.ts";

let place: FilePlace;
beforeEach(async () => {
  place = await makeFilePlace();
});
afterEach(() => place.remove());

/** Lets a process append until it has acknowledged `count` batches, kills it, and returns the last one of all. */
async function appendAndKill(seed: number, count: number): Promise<number> {
  const script = new URL("./appending-process.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--import", "tsx", script, place.path, String(seed)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  let acknowledged = 0;
  let lines = 0;
  // Closes when the killed process's last output has been read.
  for await (const line of createInterface(child.stdout)) {
    acknowledged = Number(line);
    lines += 1;
    if (lines === count) child.kill("SIGKILL");
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
  return acknowledged;
}

it("keeps everything acknowledged, whenever the process is killed", async () => {
  const chance = makeChance(7);
  for (let round = 0; round < 8; round++) {
    const acknowledged = await appendAndKill(round, 1 + Math.floor(chance() * 120));
    // First as the crash left it, then as the next start finds it.
    expect(checkJournal(place.path).problems).toEqual([]);
    const journal = place.open();
    expect(journal.lastSeq).toBeGreaterThanOrEqual(acknowledged);
    const { firstSeq, lastSeq } = journal.stats();
    expect([...journal.read()].map(({ seq }) => seq)).toEqual(
      Array.from({ length: lastSeq - firstSeq + 1 }, (_, at) => firstSeq + at),
    );
    const checkpoint = journal.checkpoint();
    if (checkpoint) expect(JSON.parse(checkpoint.state)).toMatchObject({ lastSeq: checkpoint.seq });
    await journal.close();
    expect(checkJournal(place.path).problems).toEqual([]);
  }
}, 60_000);
