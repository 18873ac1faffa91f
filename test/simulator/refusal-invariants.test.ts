import { describe, expect, it } from "vitest";
import type { IdleBehavior } from "../../src/machines/model/command.ts";
import type { Fact, Failure } from "../../src/machines/model/fact.ts";
import type { Invariant } from "../../src/simulator/invariants/invariant.ts";
import { madeUpIgnored } from "../../src/simulator/invariants/made-up-ignored.ts";
import { refusalsCounted } from "../../src/simulator/invariants/refusals-counted.ts";
import type { World } from "../../src/simulator/world.ts";
import type { WorldEvent } from "../../src/simulator/world-event.ts";
import { lastSeq, record, verdict, world, worldOf } from "./invariant-rig.ts";
import type { Part } from "./invariant-rig.ts";

const says = (count: number): World => {
  const destroyRefused = count === 0 ? null : { count };
  const { dispatcher } = world({ workers: [["w1", { value: {}, context: { destroyRefused } }]] });
  const settings = { timeoutShutdownMs: 10_000 };
  return worldOf({ dispatcher: { supervisor: { ...dispatcher?.supervisor, settings } } });
};
const failed = (askedSeq: number, failure: Part<Failure> = { code: "refused" }) =>
  record({
    fact: { type: "destroy.failed", workerId: "w1", commandId: `j-${askedSeq}-1`, failure },
  });
const accepted = (askedSeq: number) =>
  record({ fact: { type: "destroy.accepted", workerId: "w1", commandId: `j-${askedSeq}-1` } });
const destroyed = (atMs: number, fact: Part<Fact> = { type: "instance.seen" }) =>
  record({ fact: { ...fact, atMs }, commands: [{ kind: "instance.destroy", workerId: "w1" }] });
const started = () => record({ fact: { type: "daemon.started", journalId: "j" } });

/** It has seen the start of a run, with no refusal before. */
const primed = (): Invariant => {
  const check = refusalsCounted();
  check.check(started(), says(0));
  return check;
};

describe("a check of refused destroys fails when", () => {
  it("the worker says another number", () => {
    expect(verdict(primed(), [failed(1)], says(1))).toBe("");
    expect(verdict(primed(), [failed(1)], says(2))).toMatch(/says that 2 .*and 1 were/);
    const check = primed();
    check.check(failed(1), says(1));
    expect(check.check(accepted(5), says(0))).toBeUndefined();
    // Of what was asked for before, nothing counts.
    expect(check.check(failed(4), says(0))).toBeUndefined();
    expect(check.check(failed(6), says(0))).toMatch(/says that 0 .*and 1 were/);
  });

  it("a restart on the same journal has forgotten them", () => {
    const forgets = primed();
    forgets.check(failed(lastSeq()), says(1));
    expect(forgets.check(started(), says(0))).toMatch(/says that 0 .*and 1 were/);
    const older = primed();
    older.check(failed(lastSeq()), says(1));
    // A record that nobody saw came between.
    record({});
    expect(older.check(started(), says(0))).toBeUndefined();
  });

  it("the cloud is asked again too soon, or while it wants peace", () => {
    const twice = (afterMs: number) => [
      destroyed(1_000, { type: "clock.ticked" }),
      destroyed(1_000 + afterMs),
    ];
    expect(verdict(primed(), twice(10_000), says(0))).toMatch(/again 10000 ms after/);
    expect(verdict(primed(), twice(10_001), says(0))).toBe("");
    const check = primed();
    expect(check.check(destroyed(1_000, { type: "clock.ticked" }), says(0))).toBeUndefined();
    const peace = failed(1, { code: "rateLimited", retryAtMs: 50_000 });
    expect(check.check(peace, says(1))).toBeUndefined();
    expect(check.check(destroyed(50_000), says(1))).toMatch(/wants peace/);
  });
});

describe("a check of made-up containers fails when", () => {
  const listed = (atMs: number): WorldEvent => ({ type: "vm.listed", atMs, instanceId: "i-1" });
  const at = (idleBehavior: IdleBehavior, overlongFromMs = 0): World => {
    const known = {
      workerOfInstance: () => "w1",
      get: () => ({ value: { idleBehavior, lifecycle: "idle" } }) as const,
    };
    const cloud = { vm: () => ({ behavior: { overlongFromMs } }) };
    return worldOf({ ...world(), cloud, dispatcher: { supervisor: { known } } });
  };

  it("who has listed them before is not drained", () => {
    const lists = [listed(30_000), listed(40_000)];
    expect(verdict(madeUpIgnored(), lists, at("run"))).toMatch(/is not drained/);
    expect(verdict(madeUpIgnored(), lists, at("drain"))).toBe("");
    expect(verdict(madeUpIgnored(), lists, at("run", 35_000))).toBe("");
    const freed = record({ fact: { type: "behavior.requested", workerId: "w1" } });
    expect(verdict(madeUpIgnored(), [listed(30_000), freed, listed(40_000)], at("run"))).toBe("");
  });

  it("they are in a record, or are killed", () => {
    const containerIds = Array.from({ length: 257 }, (_, n) => String(n));
    const probed = record({ fact: { type: "probe.succeeded", workerId: "w1", containerIds } });
    expect(verdict(madeUpIgnored(), [probed])).toMatch(/257 are in a record/);
    const kills = containerIds.map(() => ({ kind: "process.kill" }) as const);
    expect(verdict(madeUpIgnored(), [record({ commands: kills })])).toMatch(/257 processes/);
  });
});
