import { join } from "node:path";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";
import { GOOD_VM } from "../../src/simulator/simulated-vm.ts";
import { World } from "../../src/simulator/world.ts";
import { containerId, containerRecord } from "../support/containers.ts";
import { dispatcherConfig } from "../support/settings.ts";

const HOUR_MS = 3_600_000;
export const CONTAINERS_COUNT = 8;
export const RUN_MS = 60_000;

/** The journal of a whole simulated run, with a checkpoint now and then; all of its workers are gone at the end. */
export async function writeSampleJournal(dataDir: string): Promise<string> {
  const path = join(dataDir, "journal.db");
  let nowMs = (): number => 0;
  const world = new World({
    seed: 1,
    config: dispatcherConfig({ settings: { maxInstances: 3 }, checkpointRecords: 30 }),
    openJournal: () => openJournal({ path, mode: "write", nowMs: () => nowMs(), ballastBytes: 0 }),
    behaviorOf: (vm) => ({ ...GOOD_VM, bootedAtMs: vm.nowMs + 30_000 }),
    latencyMaxMs: 50,
  });
  nowMs = () => world.clock.nowMs();
  for (let n = 1; n <= CONTAINERS_COUNT; n++) {
    const record = containerRecord({
      vcpus: (n % 4) + 1,
      priority: String(n),
      createdAtMs: world.clock.nowMs(),
    });
    world.queue.submit(containerId(n), { record, durationMs: RUN_MS, exitCode: 0 });
  }
  await world.start();
  const { clock, queue } = world;
  const over = (): boolean =>
    [...queue.containers.values()].every(({ record }) => record.state === "Complete") &&
    world.dispatcher?.supervisor.readModel.count("worker") === 0;
  if (!(await clock.run({ untilMs: clock.nowMs() + HOUR_MS, done: over }))) {
    throw new Error("the simulated run did not come to its end");
  }
  await world.dispatcher?.stop();
  await world.journal?.close();
  return path;
}

/** The same records, changed, in a journal of its own: command ids begin with the journal's id. */
export async function copyJournal(
  path: string,
  copyPath: string,
  change: (record: JournalRecord) => JournalRecord,
): Promise<void> {
  const options = { nowMs: () => 0, ballastBytes: 0 };
  const source = openJournal({ path, mode: "read", ...options });
  const copy = openJournal({ path: copyPath, mode: "write", ...options });
  const renamed = (record: JournalRecord) =>
    JSON.parse(JSON.stringify(record).replaceAll(source.id, copy.id)) as JournalRecord;
  await copy.append([...source.read()].map((record) => change(renamed(record))));
  await source.close();
  await copy.close();
}
