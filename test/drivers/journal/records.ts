import type { Command } from "../../../src/machines/model/command.ts";
import type { Decision } from "../../../src/machines/model/decision.ts";
import type { Fact } from "../../../src/machines/model/fact.ts";
import type { JournalRecord } from "../../../src/machines/model/record.ts";

export const START_MS = 1_700_000_000_000;
const STEP_MS = 1_000;

export function workerOf(seq: number): string {
  return `9f3ac1d2e4b5-${(seq % 7) + 1}-0`;
}

export function containerOf(seq: number): string {
  return `zzzzz-dz642-${String(seq % 11).padStart(15, "0")}`;
}

/** A record of each of a few kinds, one second apart, so that every fifth or so names the same actors. */
export function recordAt(seq: number, note = ""): JournalRecord {
  const atMs = START_MS + seq * STEP_MS;
  const plain = { seq, commands: [] as Command[], decisions: [] as Decision[] };
  switch (seq % 4) {
    case 0: {
      const fact: Fact = { type: "planner.ran", atMs, polledSeq: seq - 1, seen503AtMs: null };
      return {
        ...plain,
        fact,
        decisions: [{ do: "lock", container: containerOf(seq), reason: `fits ${note}` }],
        commands: [{ kind: "container.lock", id: `9f3a-${seq}-0`, containerId: containerOf(seq) }],
        limits: { maxContainers: 0, last503AtMs: null, instancesWithinQuota: seq },
      };
    }
    case 1: {
      const reason = `too dear — “${note}” 🚚`;
      return {
        ...plain,
        fact: { type: "shutdown.requested", atMs, workerId: workerOf(seq), reason },
      };
    }
    case 2: {
      const change = { state: "Locked" as const, priority: "562949953421312000001" };
      const containerId = containerOf(seq);
      return {
        ...plain,
        fact: { type: "container.changed", atMs, containerId, basedOnSeq: seq - 1, ...change },
      };
    }
    default: {
      const due = { actorKind: "worker" as const, actorId: workerOf(seq), lastGoodProbeAtMs: null };
      const command: Command = {
        kind: "instance.destroy",
        id: `9f3a-${seq}-0`,
        workerId: workerOf(seq),
        instanceId: `i-${seq}`,
      };
      return { ...plain, fact: { type: "clock.ticked", atMs, ...due }, commands: [command] };
    }
  }
}

export function recordsFrom(fromSeq: number, count: number, note = ""): JournalRecord[] {
  return Array.from({ length: count }, (_, at) => recordAt(fromSeq + at, note));
}

/** Small, seeded, and the same everywhere: 0 ≤ x < 1. */
export function makeChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
