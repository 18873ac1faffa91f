import { expect, it } from "vitest";
import { actorsOf } from "../../../src/machines/model/record-actors.ts";
import type { JournalRecord } from "../../../src/machines/model/record.ts";

const container = (n: number) => `zzzzz-dz642-${String(n).padStart(15, "0")}`;

function record(parts: Partial<JournalRecord> & Pick<JournalRecord, "fact">): JournalRecord {
  return { seq: 9, commands: [], decisions: [], ...parts };
}

const plannerRan = { type: "planner.ran", atMs: 1, polledSeq: 0, seen503AtMs: null } as const;

it("names the actors of the fact, of the commands and of the decisions, each once and sorted", () => {
  const fact = { ...plannerRan };
  const actors = actorsOf(
    record({
      fact,
      decisions: [
        { do: "start", container: container(2), worker: "w1", reason: "fits" },
        { do: "wait", container: container(1), reason: "atQuota" },
        { do: "shutdown", worker: "w2", reason: "idle" },
      ],
      commands: [
        { kind: "instance.create", id: "j-9-0", workerId: "j-9-0", instanceType: "t" },
        {
          kind: "process.start",
          id: "j-9-1",
          workerId: "w1",
          instanceId: "i-1",
          containerId: container(2),
        },
        { kind: "container.lock", id: "j-9-2", containerId: container(3) },
      ],
    }),
  );
  expect(actors).toEqual([
    `container/${container(1)}`,
    `container/${container(2)}`,
    `container/${container(3)}`,
    "worker/j-9-0",
    "worker/w1",
    "worker/w2",
  ]);
});

it("names nobody for a fact that concerns nobody", () => {
  expect(actorsOf(record({ fact: plannerRan }))).toEqual([]);
  expect(actorsOf(record({ fact: { type: "lease.acquired", atMs: 1 } }))).toEqual([]);
});

it("names the actor whose clock ticked", () => {
  const ticked = { type: "clock.ticked", atMs: 1, lastGoodProbeAtMs: null } as const;
  expect(actorsOf(record({ fact: { ...ticked, actorKind: "quota", actorId: "all" } }))).toEqual([
    "quota/all",
  ]);
});

it("names a seen instance by its create command, or by itself where that is unknown", () => {
  const seen = {
    type: "instance.seen",
    atMs: 1,
    basedOnSeq: 0,
    instanceId: "i-1",
    address: "",
    instanceType: "t",
    providerType: "t",
    idleBehavior: "",
  } as const;
  expect(actorsOf(record({ fact: { ...seen, createdBy: "j-3-0" } }))).toEqual(["worker/j-3-0"]);
  expect(actorsOf(record({ fact: { ...seen, createdBy: null } }))).toEqual(["worker/i-1"]);
});

it("names the containers that a probe lists", () => {
  const fact = {
    type: "probe.succeeded",
    atMs: 1,
    workerId: "w1",
    basedOnSeq: 0,
    startedAtMs: 0,
    booted: true,
    containerIds: [container(4), container(5)],
    broken: false,
    stale: false,
    bootError: "",
  } as const;
  expect(actorsOf(record({ fact: { ...fact, containerIds: [...fact.containerIds] } }))).toEqual([
    `container/${container(4)}`,
    `container/${container(5)}`,
    "worker/w1",
  ]);
});
