import type { Change } from "../machines/core/draft.ts";
import { Core } from "../machines/core/core.ts";
import { replay, type Difference } from "../machines/core/replay.ts";
import type { SnapshotOf } from "../machines/core/registry.ts";
import type { JournalRecord } from "../machines/model/record.ts";

/** What a journal tells of a run from its beginning to its end. */
export interface RunSummary {
  readonly recordsCount: number;
  /** Where the journal and what is decided now part; undefined if nowhere. */
  readonly difference: Difference | undefined;
  readonly workersAsked: number;
  /** Those that came into service. */
  readonly workersBooted: number;
  readonly workersGone: number;
  readonly containersSeen: number;
  /** From its creation to its start, of each container that was started, ascending. */
  readonly waitsMs: readonly number[];
  /** Of the instances' whole lives, at the prices of the config. */
  readonly cost: number;
}

const HOUR_MS = 3_600_000;

interface Life {
  readonly fromMs: number;
  readonly price: number;
}

/** Folds the records of a whole journal. */
export function summarize(journalId: string, records: Iterable<JournalRecord>): RunSummary {
  const core = new Core(journalId);
  const created = new Map<string, number>();
  const waits = new Map<string, number>();
  const lives = new Map<string, Life>();
  const booted = new Set<string>();
  let [workersAsked, workersGone, cost] = [0, 0, 0];

  const takeWorker = (change: Change) => {
    const { id, before, removed } = change;
    const { context } = change.after as SnapshotOf["worker"];
    if (!before) workersAsked++;
    if (context.readyAtMs !== null) booted.add(id);
    // What the cloud has not named yet costs nothing.
    if (context.instanceId !== "" && !lives.has(id)) {
      const price = core.settings?.instanceTypes[context.instanceType]?.price ?? 0;
      lives.set(id, { fromMs: core.atMs, price });
    }
    if (!removed) return;
    workersGone++;
    cost += costOf(lives.get(id), core.atMs);
    lives.delete(id);
  };
  const { recordsCount, difference } = replay(core, records, ({ fact }, { changes }) => {
    if (fact.type === "container.added") {
      if (!created.has(fact.containerId)) created.set(fact.containerId, fact.record.createdAtMs);
    }
    if (fact.type === "start.returned" && fact.outcome === "started") {
      const createdAtMs = created.get(fact.containerId) ?? fact.atMs;
      if (!waits.has(fact.containerId)) waits.set(fact.containerId, fact.atMs - createdAtMs);
    }
    for (const change of changes) if (change.kind === "worker") takeWorker(change);
  });
  for (const life of lives.values()) cost += costOf(life, core.atMs);
  return {
    recordsCount,
    difference,
    workersAsked,
    workersBooted: booted.size,
    workersGone,
    containersSeen: created.size,
    waitsMs: [...waits.values()].sort((a, b) => a - b),
    cost,
  };
}

function costOf(life: Life | undefined, untilMs: number): number {
  return life ? (life.price * (untilMs - life.fromMs)) / HOUR_MS : 0;
}

/** The value that half of the sorted ones do not exceed; undefined of none. */
export function medianOf(sorted: readonly number[]): number | undefined {
  return sorted[Math.ceil(sorted.length / 2) - 1];
}
