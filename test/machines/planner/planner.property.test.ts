import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accommodates, roomOf, subtract } from "../../../src/machines/instance-types/packing.ts";
import type { Decision } from "../../../src/machines/model/decision.ts";
import { plan } from "../../../src/machines/planner/plan.ts";
import { reconcile } from "../../../src/machines/planner/reconcile.ts";
import { schedule } from "../../../src/machines/planner/schedule.ts";
import type { PlanView, PlanWorker } from "../../../src/machines/planner/view.ts";
import { cases, type Case } from "./cases.ts";
import { plainPlan } from "./plain-plan.ts";

/** Locks and unlocks done, started processes running. */
function afterDecisions(view: PlanView, decisions: readonly Decision[]): PlanView {
  const states = new Map<string, "Locked" | "Queued">();
  const running = new Map(view.running);
  for (const decision of decisions) {
    if (decision.do === "lock") states.set(decision.container, "Locked");
    if (decision.do === "unlock") states.set(decision.container, "Queued");
    if (decision.do === "start") running.set(decision.container, null);
  }
  const containers = view.containers.map((container) => {
    return { ...container, state: states.get(container.containerId) ?? container.state };
  });
  return { ...view, running, containers };
}

function planOf({ view, settings, limits }: Case) {
  return plan(view, settings, limits);
}

function told(given: Case) {
  const { waiting, ...planned } = planOf(given);
  return { ...planned, statuses: waiting.statuses() };
}

describe("the planner", () => {
  it("comes to what a pass comes to that looks at every worker for every container", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { view, settings, limits } = given;
        expect(told(given)).toEqual(plainPlan(view, settings, limits));
      }),
      { numRuns: 2000 },
    );
  });

  it("decides one thing for a container at most, and nothing for one with an operation in flight", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const decided = planOf(given).decisions.flatMap((d) =>
          "container" in d ? d.container : [],
        );
        expect(decided).toEqual([...new Set(decided)]);
        for (const { containerId, busy } of given.view.containers) {
          if (busy) expect(decided).not.toContain(containerId);
        }
      }),
    );
  });

  it("creates within the throttle, the quota and the capacity", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { createsAllowed, instancesMax, atQuota, workers } = given.view;
        const { decisions } = planOf(given);
        const created = decisions.filter((decision) => decision.do === "create");
        expect(created.length).toBeLessThanOrEqual(createsAllowed ?? Infinity);
        if (created.length === 0) return;
        expect(atQuota).toBe(false);
        expect(workers.length + created.length).toBeLessThanOrEqual(instancesMax ?? Infinity);
        for (const { container, instanceType } of created) {
          const record = given.view.containers.find(({ containerId }) => containerId === container);
          expect(record?.state).toBe("Locked");
          expect(record?.instanceTypes).toContain(instanceType);
        }
      }),
    );
  });

  it("starts only what has no process, is locked and wanted, on a ready instance of its types with room", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { view, settings } = given;
        const rooms = new Map(
          view.workers.map((worker) => [worker.workerId, roomOn(worker, view)]),
        );
        for (const decision of planOf(given).decisions) {
          if (decision.do !== "start") continue;
          const container = view.containers.find((each) => each.containerId === decision.container);
          const worker = view.workers.find((each) => each.workerId === decision.worker);
          const place = rooms.get(decision.worker);
          if (!container || !worker || !place) throw new Error("a decision about a stranger");
          expect(container.state).toBe("Locked");
          expect(container.priority).toBeGreaterThan(0n);
          expect(view.running.has(container.containerId)).toBe(false);
          expect(["idle", "running"]).toContain(worker.state);
          expect(worker.idleBehavior).toBe("run");
          expect(worker.instanceId).not.toBe("");
          expect(view.declinesStart.has(worker.workerId)).toBe(false);
          expect(container.instanceTypes).toContain(worker.instanceType);
          expect(accommodates(place.room, container.resources)).toBe(true);
          subtract(place.room, container.resources);
          place.count++;
          const max = settings.maxRunningContainersPerInstance;
          if (max > 0) expect(place.count).toBeLessThanOrEqual(max);
        }
      }),
    );
  });

  it("shuts down only empty instances that are idle or booting and not held", () => {
    fc.assert(
      fc.property(cases, (given) => {
        for (const decision of planOf(given).decisions) {
          if (decision.do !== "shutdown") continue;
          const worker = given.view.workers.find((each) => each.workerId === decision.worker);
          expect(worker?.containerIds).toEqual([]);
          expect(worker?.instanceId).not.toBe("");
          expect(["idle", "booting"]).toContain(worker?.state);
          expect(worker?.idleBehavior).not.toBe("hold");
        }
      }),
    );
  });

  it("decides the same in whatever order it is told about the world", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const { view } = given;
        const reversed = {
          ...view,
          containers: view.containers.toReversed(),
          workers: view.workers.toReversed(),
          running: new Map([...view.running].reverse()),
        };
        expect(told({ ...given, view: reversed })).toEqual(told(given));
      }),
    );
  });

  it("reconciles as it would once the scheduling pass is carried out", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const scheduled = schedule(given.view, given.settings, given.limits).decisions;
        const after = afterDecisions(given.view, scheduled);
        expect(planOf(given).decisions.slice(scheduled.length)).toEqual(reconcile(after));
      }),
    );
  });

  it("gives every container that waits exactly one status with a text", () => {
    fc.assert(
      fc.property(cases, (given) => {
        const statuses = planOf(given).waiting.statuses();
        expect(statuses).toHaveLength(given.view.containers.length);
        const waiting = new Set(["Queued", "Locked"]);
        for (const { containerId, state } of given.view.containers) {
          const status = statuses.find((each) => each.containerId === containerId);
          if (waiting.has(state)) expect(status?.text).not.toBe("");
        }
      }),
    );
  });
});

function roomOn(worker: PlanWorker, view: PlanView) {
  const room = roomOf(view.instanceTypes[worker.instanceType]);
  for (const id of worker.containerIds) {
    const container = view.containers.find(({ containerId }) => containerId === id);
    if (container) subtract(room, container.resources);
  }
  return { room, count: worker.containerIds.length };
}
