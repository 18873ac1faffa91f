import { describe, expect, it } from "vitest";
import { reconcile } from "../../../src/machines/planner/reconcile.ts";
import { staleLocks } from "../../../src/machines/planner/stale-locks.ts";
import type { PlanContainer, PlanView } from "../../../src/machines/planner/view.ts";
import { NOW_MS, planContainer, World } from "./harness.ts";
import { describeScenarios, settingsOf, type Json } from "./scenarios.ts";

const ID = "zzzzz-dz642-000000000000001";
const OTHER = "zzzzz-dz642-000000000000002";

function viewOf(
  containers: readonly PlanContainer[],
  running: Record<string, number | null> = {},
  workerState: "unknown" | "idle" = "idle",
): PlanView {
  const world = new World({ given: { containers: [], pool: { instances: [], running: {} } } });
  return {
    ...world.view(),
    containers,
    running: new Map(Object.entries(running)),
    workers: [
      {
        workerId: "i-1",
        instanceId: "i-1",
        instanceType: "type1",
        state: workerState,
        idleBehavior: "run",
        containerIds: [],
      },
    ],
  };
}

function container(state: string, priority: number, uuid = ID): PlanContainer {
  return planContainer({ uuid, state, priority }, 0, settingsOf());
}

const EARLIER = NOW_MS - 1;
const LATER = NOW_MS + 1;

describeScenarios("scheduler.sync", ({ given, then }) => {
  if (given.container) {
    const running = given.in_pool_running
      ? { [ID]: given.exit_time === null ? null : EARLIER }
      : {};
    const { uuid, state, priority } = given.container;
    expect(uuid).toBe(ID);
    const view = viewOf(
      [container(state, priority)],
      running,
      given.any_worker_unknown ? "unknown" : "idle",
    );
    const decisions = reconcile(view);
    expect(decisions.map((decision) => decision.do)).toEqual(then.action ? [then.action] : []);
    if (then.reason) expect(decisions[0]).toMatchObject({ reason: then.reason });
    return;
  }
  const world = new World({ given });
  for (let pass = 0; pass < 10; pass++) world.sync();
  expect(world.containers).toHaveLength(then.asserted.entries);
  const states = world.containers.map(({ containerId, state }) => [containerId, state]);
  expect(Object.fromEntries(states)).toEqual(then.asserted.state);
  expect(world.changes).toEqual(then.asserted.cancelled);
});

describe("reconcile", () => {
  const none = undefined;
  // state, priority, process (undefined: none; null: alive; else when it exited), any worker unknown, expected
  it.each([
    ["Running", 5, none, false, "cancel: not running on any worker"],
    ["Running", 5, none, true, ""],
    ["Running", 5, EARLIER, false, "cancel: state=Running after crunch-run exited"],
    ["Running", 5, EARLIER, true, "cancel: state=Running after crunch-run exited"],
    ["Running", 5, LATER, false, ""],
    ["Running", 5, NOW_MS, false, ""],
    ["Running", 0, null, false, "kill: priority=0"],
    ["Running", 5, null, false, ""],
    ["Running", 0, LATER, false, "kill: priority=0"],
    ["Complete", 5, null, false, "kill: state=Complete"],
    ["Complete", 5, EARLIER, false, "kill: state=Complete"],
    ["Cancelled", 5, null, false, "kill: state=Cancelled"],
    ["Complete", 5, none, false, "forget: state=Complete"],
    ["Cancelled", 0, none, false, "forget: state=Cancelled"],
    ["Queued", 5, null, false, "kill: pool says running, but queue says state=Queued"],
    ["Queued", 0, none, false, "forget: on hold: priority=0"],
    ["Queued", 5, none, false, ""],
    ["Locked", 5, EARLIER, false, "requeue: crunch-run exited"],
    ["Locked", 0, EARLIER, false, "requeue: crunch-run exited"],
    ["Locked", 5, LATER, false, ""],
    ["Locked", 0, LATER, false, ""],
    ["Locked", 0, null, false, "kill: priority=0"],
    ["Locked", 5, null, false, ""],
    ["Locked", 0, none, false, "requeue: priority=0"],
    ["Locked", 5, none, false, ""],
  ])(
    "%s, priority %s, process %s, unknown %s: %s",
    (state, priority, process, unknown, expected) => {
      const running = process === undefined ? {} : { [ID]: process };
      const given = container(state, priority);
      const view = viewOf([given], running, unknown ? "unknown" : "idle");
      const told = reconcile(view).map((decision) => `${decision.do}: ${decision.reason}`);
      expect(told).toEqual(expected === "" ? [] : [expected]);
      expect(reconcile({ ...view, containers: [{ ...given, busy: true }] })).toEqual([]);
    },
  );

  it("kills what no container in the queue asked for, after all else, in order of id", () => {
    const view = viewOf([container("Complete", 1, OTHER)], { c: null, a: null, b: EARLIER });
    const told = reconcile(view).map((d) => ("container" in d ? `${d.do} ${d.container}` : d.do));
    expect(told).toEqual([`forget ${OTHER}`, "kill a", "kill b", "kill c"]);
  });
});

describeScenarios("scheduler.fix_stale_locks", ({ given, then }) => {
  const containers = given.containers.map(({ uuid, state, priority }: Json) =>
    container(state, priority, uuid),
  );
  // The decision is about the moment at which the wait is over; waiting is the supervisor's part.
  const atLast = given.workers_sequence?.at(-1);
  const running: string[] = given.running ?? atLast.running;
  const alive = Object.fromEntries(running.map((uuid) => [uuid, null]));
  const decisions = staleLocks(viewOf(containers, alive));
  const { unlocks } = then.recommended ?? then;
  expect(decisions.map((d) => "container" in d && d.container)).toEqual(unlocks);
  expect(decisions.every((decision) => decision.do === "unlock")).toBe(true);
});

describe("staleLocks", () => {
  it("leaves alone what is being unlocked already, and what ended a moment ago", () => {
    const busy = { ...container("Locked", 1), busy: true };
    expect(staleLocks(viewOf([busy, container("Locked", 1, OTHER)], { [OTHER]: EARLIER }))).toEqual(
      [],
    );
  });
});
