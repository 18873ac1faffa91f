import fc from "fast-check";
import { expect, it } from "vitest";
import { Draft } from "../../../src/machines/core/draft.ts";
import { Registry } from "../../../src/machines/core/registry.ts";
import { route, tellsNothing } from "../../../src/machines/core/route.ts";
import type { FactOf } from "../../../src/machines/model/fact.ts";
import { restore } from "../../../src/machines/step.ts";
import { bornContext } from "../../../src/machines/worker/worker.assigns.ts";
import { workerMachine } from "../../../src/machines/worker/worker.machine.ts";
import type { WorkerSnapshot } from "../../../src/machines/worker/worker.machine.ts";
import type { WorkerContext, WorkerProcess } from "../../../src/machines/worker/worker.types.ts";
import { containerId } from "../../support/containers.ts";
import { settings } from "../../support/settings.ts";

const NOW_MS = 1_000_000;
const SEQ = 10;
const FRAME = { journalId: "j1", seq: SEQ, atMs: NOW_MS, settings: settings() };
const ID = "i-1";
const IDS = [containerId(1), containerId(2)];

/** Mostly as it is most of the time, so that of all that may be otherwise often one thing is. */
function mostly<T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> {
  const other = { weight: 1, arbitrary: fc.constantFrom(...others) };
  return fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, other);
}

const someIds = fc.subarray(IDS);
const processes = someIds.chain((ids) =>
  fc.record(
    Object.fromEntries(ids.map((id) => [id, mostly(process("running"), process("starting"))])),
  ),
);

function process(state: WorkerProcess["state"]): WorkerProcess {
  const runningSeq = state === "running" ? 2 : null;
  return { state, sinceMs: 0, runningSeq, settleAtMs: null, kill: null };
}

const input = {
  workerId: ID,
  atMs: 0,
  seq: 1,
  instanceType: "type1",
  providerType: "providertype1",
  found: {
    instanceId: ID,
    address: "10.0.0.1",
    unknownDeadlineAtMs: 2 * NOW_MS,
    startsUntilMs: null,
    behaviorReason: "",
  },
};

const changes: fc.Arbitrary<Partial<WorkerContext>> = fc.record({
  processes,
  staleSinceMs: mostly<number | null>(null, NOW_MS - 1, 0),
  missingSinceMs: mostly<number | null>(null, NOW_MS - 1),
  lastError: mostly("", "no"),
  updatedSeq: mostly(1, SEQ),
});

type Worker = Pick<WorkerSnapshot, "value" | "context">;

/** A worker that may be what a list shows or a probe asks: in a state that fits what runs on it. */
const worker: fc.Arbitrary<Worker> = fc
  .record({
    changes,
    other: mostly<"unknown" | "booting" | "shutdown" | null>(
      null,
      "unknown",
      "booting",
      "shutdown",
    ),
    idleBehavior: mostly<"run" | "hold" | "drain">("run", "hold", "drain"),
  })
  .map(({ changes, other, idleBehavior }): Worker => {
    const busy = Object.keys(changes.processes ?? {}).length > 0;
    const lifecycle = other ?? (busy ? "running" : "idle");
    const context = { ...bornContext(input), ...changes };
    const ending = { destroyedAtMs: 1, destroySentAtMs: 1, destroyNextAtMs: 2 };
    return {
      value: { lifecycle, idleBehavior },
      context: lifecycle === "shutdown" ? { ...context, ...ending } : context,
    };
  })
  // A drained worker is shut down as soon as it boots or idles.
  .filter(
    ({ value }) => value.idleBehavior !== "drain" || !["booting", "idle"].includes(value.lifecycle),
  );

/** All but how many it names, which only a probe that names too many tells. */
const REQUIRED = [
  ...(["type", "atMs", "workerId", "basedOnSeq", "startedAtMs", "booted"] as const),
  ...(["containerIds", "broken", "stale", "bootError"] as const),
];

const probe = (known: string[]): fc.Arbitrary<FactOf<"probe.succeeded">> =>
  fc.record(
    {
      type: fc.constant("probe.succeeded" as const),
      atMs: fc.constant(NOW_MS),
      workerId: fc.constant(ID),
      basedOnSeq: mostly(SEQ, 0),
      startedAtMs: fc.constant(NOW_MS - 1),
      booted: mostly(true, false),
      containerIds: fc.oneof({ weight: 4, arbitrary: fc.constant(known) }, someIds),
      broken: mostly(false, true),
      stale: mostly(false, true),
      bootError: mostly("", "no"),
      reportedCount: fc.constantFrom(1, 1_000),
    },
    { requiredKeys: REQUIRED },
  );

const seen = ({ value, context }: Worker): fc.Arbitrary<FactOf<"instance.seen">> =>
  fc.record({
    type: fc.constant("instance.seen" as const),
    atMs: fc.constant(NOW_MS),
    basedOnSeq: fc.constant(SEQ),
    instanceId: fc.constant(ID),
    createdBy: fc.constant(null),
    address: mostly(context.address, "10.0.0.2"),
    instanceType: mostly(context.instanceType, "type2", ""),
    providerType: fc.constant(context.providerType),
    idleBehavior: mostly<"run" | "hold" | "drain" | "">(value.idleBehavior, "run", "hold", ""),
  });

const told = worker.chain((known) =>
  fc.record({
    known: fc.constant(known),
    fact: fc.oneof(probe(Object.keys(known.context.processes)), seen(known)),
  }),
);

/** Each condition of the shortcut is one that the charts have too: without it, something would be passed over. */
it("a fact that is passed over changes nothing in the charts, and asks for nothing", () => {
  const passed = { "probe.succeeded": 0, "instance.seen": 0 };
  fc.assert(
    fc.property(told, ({ known, fact }) => {
      const registry = new Registry();
      registry.set("worker", ID, restore(workerMachine, known));
      if (!tellsNothing(registry, fact)) return;
      passed[fact.type]++;
      const draft = new Draft(registry, FRAME);
      route(draft, registry, fact);
      const changed = draft.changes().map(({ key }) => key);
      expect([changed, draft.commands]).toEqual([[], []]);
    }),
    { numRuns: 10_000, seed: 20_261_129 },
  );
  expect(passed["probe.succeeded"]).toBeGreaterThan(200);
  expect(passed["instance.seen"]).toBeGreaterThan(200);
});
