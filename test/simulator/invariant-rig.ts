import { expect } from "vitest";
import { noFaults } from "../../src/simulator/faults.ts";
import type { Invariant, RecordEvent } from "../../src/simulator/invariants/invariant.ts";
import type { World } from "../../src/simulator/world.ts";
import type { WorldEvent } from "../../src/simulator/world-event.ts";
import type { Change } from "../../src/machines/core/draft.ts";
import type { SnapshotOf } from "../../src/machines/core/registry.ts";
import type { ActorKind } from "../../src/machines/model/ids.ts";
import type { JournalRecord } from "../../src/machines/model/record.ts";

export const C1 = "zzzzz-dz642-000000000000001";
let seq = 0;

/** No more of something than a check looks at; what is there is of its type. */
export type Part<T> = unknown extends T
  ? T
  : T extends string | number | bigint | boolean | null | undefined
    ? T
    : T extends (...args: infer A) => infer R
      ? (...args: A) => Part<R>
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<K, Part<V>>
        : T extends Iterable<infer E>
          ? Iterable<Part<E>>
          : T | { readonly [K in keyof T]?: Part<T[K]> | undefined };

/** The one place where a part stands for the whole. */
function wholeOf<T>(part: Part<T>): T {
  return part as unknown as T;
}

export const worldOf = (part: Part<World>): World => wholeOf<World>(part);

/** Of the newest record. */
export function lastSeq(): number {
  return seq;
}

type RecordPart = Partial<Pick<Part<JournalRecord>, "fact" | "commands" | "decisions">> & {
  readonly changes?: readonly Part<Change>[];
};

/** A record that tells no more than a check looks at. */
export function record(parts: RecordPart): RecordEvent {
  const { fact = { type: "planner.ran", polledSeq: 0 }, commands = [], decisions = [] } = parts;
  seq++;
  return wholeOf<RecordEvent>({
    type: "record.released",
    atMs: seq,
    record: { seq, fact: { atMs: seq, ...fact }, commands, decisions },
    changes: parts.changes ?? [],
  });
}

export type Lifecycle = SnapshotOf["worker"]["value"]["lifecycle"];
type WorkerPart = Part<SnapshotOf["worker"]>;

export function worker(
  id: string,
  context: WorkerPart["context"],
  value: WorkerPart["value"] = {},
): Part<Change> {
  return { kind: "worker", id, before: undefined, after: { value, context }, removed: false };
}

export type Actors<K extends ActorKind> = readonly (readonly [string, Part<SnapshotOf[K]>])[];

interface WorldParts {
  readonly workers?: Actors<"worker">;
  readonly containers?: Actors<"container">;
  readonly supervisor?: SnapshotOf["supervisor"]["value"];
}

/** A dispatcher whose read model holds what is given. */
export function world({ workers, containers, supervisor = "dispatching" }: WorldParts = {}): World {
  const kinds: Partial<Record<ActorKind, ReadonlyMap<string, Part<SnapshotOf[ActorKind]>>>> = {
    worker: new Map(workers),
    container: new Map(containers),
    supervisor: new Map([["dispatcher", { value: supervisor, context: {} }]]),
  };
  return worldOf({
    dispatcher: {
      supervisor: {
        readModel: {
          get: (kind: ActorKind, id: string) => kinds[kind]?.get(id),
          entries: (kind: ActorKind) => kinds[kind]?.entries() ?? [],
          all: (kind: ActorKind) => kinds[kind]?.values() ?? [],
          count: (kind: ActorKind) => kinds[kind]?.size ?? 0,
        },
        settings: {
          instanceTypes: { t: { price: 1, vcpus: 1 } },
          staleLockTimeoutMs: 60_000,
          timeoutStaleRunLockMs: 5_000,
          timeoutProbeMs: 120_000,
          timeoutBootingMs: 300_000,
          maxInstances: 2,
          maxConcurrentInstanceCreateOps: 1,
        },
      },
    },
    config: { probeIntervalMs: 10_000, commandTimeoutMs: 20_000 },
    faults: noFaults(),
  });
}

/** What a check says of the last of these events; it has nothing to say of those before. */
export function verdict(invariant: Invariant, events: readonly WorldEvent[], at = world()): string {
  const said = events.map((event) => invariant.check(event, at) ?? "");
  expect(said.slice(0, -1).join("")).toBe("");
  return said.at(-1) ?? "";
}
