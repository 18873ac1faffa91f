import { expect } from "vitest";
import type { Invariant } from "../../src/simulator/invariants/invariant.ts";
import { noFaults } from "../../src/simulator/faults.ts";
import type { World } from "../../src/simulator/world.ts";
import type { WorldEvent } from "../../src/simulator/world-event.ts";

export const C1 = "zzzzz-dz642-000000000000001";
let seq = 0;

/** Of the newest record. */
export function lastSeq(): number {
  return seq;
}

/** A record that tells no more than a check looks at. */
export function record(parts: {
  fact?: object;
  commands?: object[];
  decisions?: object[];
  changes?: object[];
}): WorldEvent {
  const { fact = { type: "planner.ran", polledSeq: 0 }, commands = [], decisions = [] } = parts;
  seq++;
  return {
    type: "record.released",
    atMs: seq,
    record: { seq, fact: { atMs: seq, ...fact }, commands, decisions },
    changes: parts.changes ?? [],
  } as never;
}

export function worker(id: string, context: object, value: object = {}): object {
  return { kind: "worker", id, before: undefined, after: { value, context }, removed: false };
}

/** A dispatcher whose read model holds what is given. */
export function world(
  parts: {
    workers?: [string, object][];
    containers?: [string, object][];
    supervisor?: string;
  } = {},
) {
  const kinds: Record<string, Map<string, object>> = {
    worker: new Map(parts.workers),
    container: new Map(parts.containers),
    supervisor: new Map([
      ["dispatcher", { value: parts.supervisor ?? "dispatching", context: {} }],
    ]),
  };
  const readModel = {
    get: (kind: string, id: string) => kinds[kind]?.get(id),
    entries: (kind: string) => kinds[kind]?.entries() ?? [],
    all: (kind: string) => kinds[kind]?.values() ?? [],
    count: (kind: string) => kinds[kind]?.size ?? 0,
  };
  const settings = {
    instanceTypes: { t: { price: 1, vcpus: 1 } },
    staleLockTimeoutMs: 60_000,
    timeoutStaleRunLockMs: 5_000,
    timeoutProbeMs: 120_000,
    timeoutBootingMs: 300_000,
    maxInstances: 2,
    maxConcurrentInstanceCreateOps: 1,
  };
  return {
    dispatcher: { supervisor: { readModel, settings } },
    config: { probeIntervalMs: 10_000, commandTimeoutMs: 20_000 },
    faults: noFaults(),
  } as unknown as World;
}

/** What a check says of the last of these events; it has nothing to say of those before. */
export function verdict(invariant: Invariant, events: readonly WorldEvent[], at = world()): string {
  const said = events.map((event) => invariant.check(event, at) ?? "");
  expect(said.slice(0, -1).join("")).toBe("");
  return said.at(-1) ?? "";
}
