import { mkdirSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openBox, type DaemonBox } from "../support/daemon-box.ts";

// More of them: LOST_JOURNALS=5 npx vitest run --project e2e test/e2e/lost-journal.test.ts
const ROUNDS = Number(process.env["LOST_JOURNALS"] ?? "1");
const CONTAINERS = 10;
const END_MS = 100_000;
/** Runs until it is told to end, and some time more. */
const SCRIPT = 'touch "$0.runs"; while [ ! -e "$1" ]; do sleep 0.1; done; sleep "$2"';
/** The ends of one after the other lie in the time that a start takes to probe all workers. */
const PAUSE_SECONDS = 0.5;
const SLOWLY = {
  InstanceTypes: { small: { Price: 0.02 }, large: { Price: 100 } },
  Containers: {
    CloudVMs: {
      DriverParameters: { MaxInstances: CONTAINERS },
      MaxInstances: CONTAINERS,
      MaxConcurrentInstanceCreateOps: CONTAINERS,
      MaxProbesPerSecond: 2,
      PollInterval: "5s",
      ProbeInterval: "5s",
      TimeoutIdle: "3s",
    },
  },
};

interface Round {
  readonly uuids: readonly string[];
  readonly folder: string;
}

const goPath = ({ folder }: Round): string => join(folder, "go");

async function submitAll(box: DaemonBox, nth: number): Promise<Round> {
  const path = "/arvados/v1/container_requests";
  const uuids: string[] = [];
  const folder = join(box.dir, `round-${nth}`);
  mkdirSync(folder);
  for (let n = 0; n < CONTAINERS; n++) {
    const seconds = String(n * PAUSE_SECONDS);
    const request = {
      command: ["sh", "-c", SCRIPT, join(folder, String(n)), join(folder, "go"), seconds],
      priority: 500,
      runtime_constraints: { vcpus: 1, ram: 1024 * 1024 * 1024 },
      state: "Committed",
    };
    const body = { container_request: request };
    const { container_uuid } = await box.api<{ container_uuid: string }>("POST", path, body);
    uuids.push(container_uuid);
  }
  return { uuids, folder };
}

async function statesOf(box: DaemonBox): Promise<Map<string, string>> {
  const path = "/arvados/v1/containers?limit=1000";
  const { items } = await box.api<{ items: { uuid: string; state: string }[] }>("GET", path);
  return new Map(items.map(({ uuid, state }) => [uuid, state]));
}

async function workersCount(box: DaemonBox): Promise<number> {
  const { workers } = await box.api<{ workers: { count: number }[] }>("GET", "/dispatch/v1/status");
  return workers.reduce((sum, { count }) => sum + count, 0);
}

/** As docs/operating.md advises. */
function moveJournalAway(box: DaemonBox, nth: number): void {
  for (const suffix of ["", "-wal", "-shm"])
    try {
      renameSync(
        join(box.dataDir, `journal.db${suffix}`),
        join(box.dir, `moved-${nth}.db${suffix}`),
      );
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
}

const countOf = (folder: string): number =>
  readdirSync(folder).filter((name) => name.endsWith(".runs")).length;

describe("a start whose journal was moved away", () => {
  it("cancels nothing of what ends around it", async () => {
    const box = openBox({ config: SLOWLY });
    const ended: (string | undefined)[] = [];
    await box.start();
    for (let nth = 0; nth < ROUNDS; nth++) {
      const round = await submitAll(box, nth);
      await box.until("all run", END_MS, () => countOf(round.folder) === CONTAINERS);
      await box.kill();
      moveJournalAway(box, nth);
      box.spawnDaemon();
      await box.ready();
      writeFileSync(goPath(round), "");
      await box.until("all have ended", END_MS, async () => {
        const states = await statesOf(box);
        return round.uuids.every((uuid) =>
          ["Complete", "Cancelled"].includes(states.get(uuid) ?? ""),
        );
      });
      // What is judged too early is Complete, and made Cancelled afterwards: not before every worker was asked.
      await box.until("the fleet is empty", END_MS, async () => (await workersCount(box)) === 0);
      const states = await statesOf(box);
      ended.push(...round.uuids.map((uuid) => states.get(uuid)));
    }
    expect(ended).toEqual(Array.from({ length: ROUNDS * CONTAINERS }, () => "Complete"));
  }, 300_000);
});
