import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { appendBatches, makeFilePlace } from "./place.ts";

const RUNS = 30;

it("any file is read as it was written, or refused with a code", async () => {
  const place = await makeFilePlace();
  onTestFinished(() => place.remove());
  const journal = place.open({ ballastBytes: 0 });
  await appendBatches(journal, 10, 20, 5, 40);
  await journal.saveCheckpoint({ seq: 30, code: "v1", state: '{"at":30}' });
  await journal.saveCheckpoint({ seq: 75, code: "v1", state: '{"at":75}' });
  await journal.close();

  const script = new URL("./any-bytes.ts", import.meta.url).pathname;
  // Its message has the command, and so the seed, and all that the process wrote.
  const seed = String(Math.floor(Math.random() * 2 ** 31));
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--import",
    "tsx",
    script,
    place.path,
    seed,
    String(RUNS),
  ]);
  const tally = JSON.parse(stdout) as Record<string, number> & { codes: string[] };
  expect(tally["files"]).toBe(2 * RUNS);
  expect(tally["refused"]).toBeGreaterThan(RUNS);
  expect(tally["readInFull"]).toBeGreaterThan(0);
  expect(tally.codes).toEqual(expect.arrayContaining(["damaged", "notAJournal"]));
}, 60_000);
