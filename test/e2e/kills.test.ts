import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Chance } from "../../src/simulator/chance.ts";
import { openBox, type ContainerView, type DaemonBox } from "../support/daemon-box.ts";

// Another history: KILLS_SEED=7 npx vitest run --project e2e test/e2e/kills.test.ts
const SEED = Number(process.env["KILLS_SEED"] ?? "1");
const CONTAINERS = 40;
const KILLS = 20;
/** Containers are submitted in as many parts, so that there is work for the whole time. */
const WAVES = 10;
const END_MS = 90_000;

interface Job {
  readonly uuid: string;
  readonly folder: string;
  readonly exitCode: number;
}

/** Notes its begin and its end, and whether another is there at the same time. */
const SCRIPT = [
  'mkdir "$0/lock" || echo TWICE >> "$0/log"',
  'echo begin >> "$0/log"',
  'sleep "$1"',
  'echo end >> "$0/log"',
  'rmdir "$0/lock"',
  'exit "$2"',
].join("; ");

async function submitJob(box: DaemonBox, number: number, chance: Chance): Promise<Job> {
  const folder = join(box.dir, "jobs", String(number));
  mkdirSync(folder, { recursive: true });
  const exitCode = chance.happens(0.25) ? chance.between(1, 100) : 0;
  const seconds = (chance.between(200, 3_000) / 1000).toFixed(2);
  const [vcpus, ramMib] = chance.happens(0.2) ? [4, 1024] : [1, 256];
  const request = {
    command: ["sh", "-c", SCRIPT, folder, seconds, String(exitCode)],
    priority: chance.between(1, 1000),
    runtime_constraints: { vcpus, ram: ramMib * 1024 * 1024 },
    state: "Committed",
  };
  const path = "/arvados/v1/container_requests";
  const body = { container_request: request };
  const { container_uuid: uuid } = await box.api<{ container_uuid: string }>("POST", path, body);
  return { uuid, folder, exitCode };
}

/** Some moments lie in the start itself, some within 50 ms after it, most in the seconds that follow. */
async function killSometime(box: DaemonBox, nth: number, chance: Chance): Promise<void> {
  if (nth % 5 === 2) await delay(chance.between(0, 50));
  else await delay(chance.between(100, 2_600));
  await box.kill();
  if (nth % 5 !== 4) return;
  box.spawnDaemon();
  await delay(chance.between(50, 750));
  await box.kill();
}

async function listContainers(box: DaemonBox): Promise<Map<string, ContainerView>> {
  const path = "/arvados/v1/containers?limit=1000";
  const { items } = await box.api<{ items: ContainerView[] }>("GET", path);
  return new Map(items.map((item) => [item.uuid, item]));
}

async function workersCount(box: DaemonBox): Promise<number> {
  const { workers } = await box.api<{ workers: { count: number }[] }>("GET", "/dispatch/v1/status");
  return workers.reduce((sum, { count }) => sum + count, 0);
}

describe("a dispatcher that is killed again and again", () => {
  it(`loses no container and no worker, and starts nothing twice (seed ${SEED})`, async () => {
    const chance = new Chance(SEED);
    const box = openBox({
      config: { DispatchCloud: { Journal: { CheckpointRecords: 50 } } },
    });
    const jobs: Job[] = [];
    let killsCount = 0;
    for (let nth = 0; killsCount < KILLS; nth++) {
      await box.start();
      const wanted = Math.min(CONTAINERS, (nth + 1) * (CONTAINERS / WAVES));
      while (jobs.length < wanted) jobs.push(await submitJob(box, jobs.length, chance));
      await killSometime(box, nth, chance);
      killsCount += nth % 5 === 4 ? 2 : 1;
    }
    expect(killsCount).toBeGreaterThanOrEqual(KILLS);
    expect(jobs).toHaveLength(CONTAINERS);

    await box.start();
    await box.until("all containers have ended", END_MS, async () => {
      const containers = await listContainers(box);
      return jobs.every(({ uuid }) =>
        ["Complete", "Cancelled"].includes(containers.get(uuid)?.state ?? ""),
      );
    });
    const containers = await listContainers(box);
    const outcomes = jobs.map(({ uuid, folder }) => ({
      uuid,
      state: containers.get(uuid)?.state,
      exitCode: containers.get(uuid)?.exit_code,
      ran: readFileSync(join(folder, "log"), "utf8"),
    }));
    const expected = jobs.map(({ uuid, exitCode }) => ({
      uuid,
      state: "Complete",
      exitCode,
      ran: "begin\nend\n",
    }));
    expect(outcomes).toEqual(expected);

    await box.until("the fleet is empty", 30_000, async () => (await workersCount(box)) === 0);
    await box.until("no process is left", 10_000, () => box.processes().length === 0);
    expect(await box.endBy("SIGTERM")).toBe(0);
    expect(box.processes()).toEqual([]);

    await expectReplays(box);
  }, 240_000);
});

async function expectReplays(box: DaemonBox): Promise<void> {
  const check = await box.cli("journal", "check", box.dataDir);
  expect(check, check.stdout + check.stderr).toMatchObject({ code: 0 });
  const replay = await box.cli("replay", "--from-checkpoints", "--json", box.dataDir);
  expect(replay, replay.stderr).toMatchObject({ code: 0 });
  const { difference, runs, workers, seq } = JSON.parse(replay.stdout) as Replay;
  expect(difference).toBeNull();
  expect(workers).toEqual([]);
  // From the beginning, and from every checkpoint, to the same end.
  expect(runs.length).toBeGreaterThan(5);
  expect(new Set(runs.map(({ checksum }) => checksum)).size).toBe(1);
  expect(runs.map((run) => run.seq)).toEqual(runs.map(() => seq));
}

interface Replay {
  readonly seq: number;
  readonly difference: unknown;
  readonly workers: unknown[];
  readonly runs: readonly { seq: number; checksum: string }[];
}
