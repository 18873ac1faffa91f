import { describe, expect, it } from "vitest";
import type { AnyStateMachine } from "xstate";
import { MACHINES } from "../../../src/machines/core/registry.ts";
import { nextEvents, WORDS } from "../../../src/machines/explain/next-events.ts";
import type { NextEvent } from "../../../src/machines/explain/next-events.ts";
import { ACTOR_KINDS } from "../../../src/machines/model/ids.ts";
import { start, step } from "../../../src/machines/step.ts";
import { transitionsOf } from "../../../src/machines/transitions.ts";
import { containerId } from "../../support/containers.ts";
import { settings } from "../../support/settings.ts";
import { C1, C2, WorkerRig } from "../../support/worker-rig.ts";

function eventTypes(node: AnyStateMachine["root"]): string[] {
  const own = transitionsOf(node).map(({ event }) => event);
  return [...own, ...Object.values(node.states).flatMap((child) => eventTypes(child))];
}

describe("the words of conditions", () => {
  it.each(ACTOR_KINDS)("are there for each guard of %s, and for no other", (kind) => {
    const { guards } = MACHINES[kind].implementations;
    const worded = Object.keys(WORDS[kind].conditions);
    for (const guard of Object.keys(guards)) expect(worded).toContain(guard);
    // The quota, a capacity and the throttle share theirs.
    const all = ACTOR_KINDS.filter((other) => WORDS[other] === WORDS[kind]).flatMap((other) =>
      Object.keys(MACHINES[other].implementations.guards),
    );
    expect(worded.filter((name) => !all.includes(name))).toEqual([]);
  });

  it.each(ACTOR_KINDS)("know what each event of %s may bring", (kind) => {
    const types = eventTypes(MACHINES[kind].root).filter((type) => type !== "");
    for (const type of types) expect(Object.keys(WORDS[kind].events)).toContain(type);
  });
});

function nextOf(rig: WorkerRig, lastGoodProbeAtMs: number | null = null): NextEvent[] {
  const { snapshot, nowMs } = rig;
  return nextEvents("worker", snapshot, { nowMs, settings: rig.settings, lastGoodProbeAtMs });
}

function find(events: readonly NextEvent[], event: string, guard: string): NextEvent {
  const found = events.find((one) => one.event === event && one.guard.includes(guard));
  if (!found) throw new Error(`no ${event} [${guard}] among ${JSON.stringify(events)}`);
  return found;
}

const textsOf = ({ values }: NextEvent): string[] => values.map(({ text }) => text);

describe("what may come next to a worker", () => {
  it("is what its active states take, with where that leads", () => {
    const events = nextOf(WorkerRig.idle());
    expect(
      events.every(({ from }) =>
        ["lifecycle.idle", "idleBehavior.run", "idleBehavior"].includes(from),
      ),
    ).toBe(true);
    expect(find(events, "shutdown.requested", "")).toEqual({
      event: "shutdown.requested",
      guard: "",
      from: "lifecycle.idle",
      to: "lifecycle.shutdown",
      holds: true,
      values: [],
    });
    expect(find(events, "instance.seen", "instanceChanged").to).toBeNull();
  });

  it("says how long it has been idle, and that its time is not over", () => {
    const rig = WorkerRig.idle();
    const early = find(nextOf(rig.after(34_000)), "clock.ticked", "idleOverdue");
    expect(early).toMatchObject({ guard: "idleOverdue and not held", holds: false });
    expect(early.values).toEqual([
      { name: "idleOverdue", value: false, text: "idle for 34s of TimeoutIdle 1m" },
      { name: "not held", value: true, text: "on hold: no, behaviour is run" },
    ]);
    expect(find(nextOf(rig.after(26_000)), "clock.ticked", "idleOverdue").holds).toBe(true);
  });

  it("says that a hold keeps it", () => {
    const rig = WorkerRig.idle().asked("hold").after(60_000);
    const event = find(nextOf(rig), "clock.ticked", "idleOverdue");
    expect(event.holds).toBe(false);
    expect(event.values[1]).toEqual({ name: "not held", value: false, text: "on hold: yes" });
    expect(find(nextOf(rig), "", "draining")).toMatchObject({
      holds: false,
      values: [{ text: "draining: no, behaviour is hold" }],
    });
  });

  it("judges silence by the watermark, and says so where it is not known", () => {
    const rig = WorkerRig.running().after(600_000);
    const silent = find(nextOf(rig, rig.nowMs - 600_000), "probe.failed", "overdueForProbe");
    expect(silent.holds).toBe(true);
    expect(textsOf(silent)[0]).toBe("no answer for 10m of TimeoutProbe 10m");
    const answering = find(nextOf(rig, rig.nowMs - 5_000), "probe.failed", "overdueForProbe");
    expect(answering.holds).toBe(false);
    expect(find(nextOf(rig), "probe.failed", "overdueForProbe").holds).toBeNull();
  });

  it("counts the lists that lack it", () => {
    const rig = WorkerRig.idle();
    const before = find(nextOf(rig, 0), "instance.missing", "goneFromLists");
    expect([before.holds, ...textsOf(before)]).toEqual([false, "missing from 0 of 2 lists"]);
    rig.missing({ goodAtMs: 0 }).after(1_000);
    const after = find(nextOf(rig, 0), "instance.missing", "goneFromLists");
    expect([after.holds, ...textsOf(after)]).toEqual([
      true,
      "missing from 1 of 2 lists, since 1.0s",
    ]);
    expect(find(nextOf(rig, rig.nowMs), "instance.missing", "goneFromLists").holds).toBe(false);
  });

  it("leaves open what depends on the event", () => {
    const events = nextOf(WorkerRig.idle());
    expect(find(events, "behavior.requested", "asked drain").holds).toBeNull();
    expect(find(events, "probe.succeeded", "brokenReported").holds).toBeNull();
    expect(find(events, "start.decided", "isNewProcess").holds).toBe(true);
    const running = nextOf(WorkerRig.running());
    expect(find(running, "start.decided", "isNewProcess").holds).toBeNull();
    expect(find(running, "kill.decided", "isKillable").holds).toBe(true);
  });

  it("counts processes, and those that were given up", () => {
    const rig = WorkerRig.running([C1, C2]).killDecided(C1);
    const killing = find(nextOf(rig), "clock.ticked", "killDue");
    expect(killing.holds).toBe(false);
    expect(textsOf(killing)).toEqual([
      "2 processes, 1 being killed, none given up; next signal in 5.0s, TimeoutTERM over in 2m",
    ]);
    rig.after(120_000).ticked();
    expect(textsOf(find(nextOf(rig), "", "allGivenUp"))).toEqual([
      "draining: yes",
      "2 processes, 1 given up",
      "2 processes, 1 given up",
    ]);
  });

  it("asks every guard in every state without failing", () => {
    const states = ["creating", "unknown", "booting", "idle", "running", "shutdown"] as const;
    for (const state of states)
      for (const event of nextOf(WorkerRig.in(state))) {
        if (event.guard === "") expect(event.holds).toBe(true);
        for (const { name, text } of event.values) expect(text, name).not.toBe("");
      }
  });
});

describe("what may come next to others", () => {
  const now = { nowMs: 1_000_000, settings: settings() };

  it("asks every guard in every state of every chart", () => {
    for (const kind of ["supervisor", "quota", "capacity", "throttle"] as const) {
      const machine = MACHINES[kind] as AnyStateMachine;
      for (const value of Object.keys(machine.states)) {
        const context = start(machine, undefined as never).snapshot.context as unknown;
        const snapshot = machine.resolveState({ value, context }) as never;
        for (const { values } of nextEvents(kind, snapshot, now))
          for (const { name, text } of values) expect(text, name).not.toBe("");
      }
    }
  });

  it("says when a failed call of a container is tried again", () => {
    const input = { containerId: containerId(1), atMs: now.nowMs, seq: 1 };
    let { snapshot } = start(MACHINES.container, input);
    const delivered = { atMs: now.nowMs, seq: 2, settings: now.settings };
    const failure = { code: "unavailable", message: "503" } as const;
    for (const event of [
      { type: "lock.decided", reason: "" },
      {
        type: "operation.failed",
        containerId: input.containerId,
        commandId: "j-1-1",
        operation: "lock",
        failure,
      },
    ] as const)
      ({ snapshot } = step(MACHINES.container, snapshot, { ...event, ...delivered }));
    const next = find(nextEvents("container", snapshot, now), "clock.ticked", "retryDue");
    expect([next.holds, ...textsOf(next)]).toEqual([
      false,
      "to be tried again in 500ms, after 1 failure",
    ]);
    const seen = find(nextEvents("container", snapshot, now), "process.seen", "");
    expect([seen.to, seen.holds]).toEqual(["process.running", true]);
  });

  it("says how long a quota stays closed", () => {
    const { snapshot } = start(MACHINES.quota, undefined);
    const event = {
      type: "create.failed",
      atMs: now.nowMs,
      message: "no more",
      retryAtMs: null,
    } as const;
    const closed = step(MACHINES.quota, snapshot, { ...event, otherInstancesCount: 0 }).snapshot;
    const later = { ...now, nowMs: now.nowMs + 20_000 };
    expect(find(nextEvents("quota", closed, later), "clock.ticked", "isOver")).toMatchObject({
      holds: false,
      to: "open",
      values: [{ text: "held for another 40s: no more" }],
    });
    const over = { ...now, nowMs: now.nowMs + 60_000 };
    expect(find(nextEvents("quota", closed, over), "clock.ticked", "isOver").holds).toBe(true);
  });
});
