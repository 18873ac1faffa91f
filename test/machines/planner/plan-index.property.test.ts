import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  WAIT_REASONS,
  type Decision,
  type WaitReason,
} from "../../../src/machines/model/decision.ts";
import { PlanIndex } from "../../../src/machines/planner/plan-index.ts";
import { planIndex } from "../../../src/machines/planner/plan.ts";
import type { QueueStatus } from "../../../src/machines/planner/view.ts";
import type { PlanContainer, PlanView, PlanWorker } from "../../../src/machines/planner/view.ts";
import { waitChanges } from "../../../src/machines/planner/wait-changes.ts";
import { cases, EMPTY_VIEW, type Case } from "./cases.ts";
import { plainPlan, plainPlanAndWaits } from "./plain-plan.ts";

interface Known {
  readonly container: PlanContainer | undefined;
  readonly process: number | null | undefined;
  readonly waitReason: WaitReason | "";
}

/** The world goes over to that of the case, but for the actors that `keeps` is true for. */
const steps = fc.array(
  fc.record({
    given: cases,
    keeps: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
    waitReason: fc.constantFrom("" as const, ...WAIT_REASONS),
    // As after a pass whose decisions were recorded.
    recordsWaits: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
);
type Step = typeof steps extends fc.Arbitrary<(infer S)[]> ? S : never;

/** What an index was told so far, in plain maps. */
class World {
  readonly containers = new Map<string, Known>();
  readonly workers = new Map<string, PlanWorker>();
  readonly #index: PlanIndex;

  constructor(index: PlanIndex) {
    this.#index = index;
  }

  goOver({ given: { view }, keeps, waitReason }: Step): void {
    const containers = new Map(view.containers.map((each) => [each.containerId, each]));
    const containerIds = [...this.containers.keys(), ...containers.keys(), ...view.running.keys()];
    for (const [at, id] of [...new Set(containerIds)].entries()) {
      if (keeps[at]) continue;
      const process = view.running.get(id);
      this.setContainer(id, { container: containers.get(id), process, waitReason });
    }
    const workers = new Map(view.workers.map((each) => [each.workerId, each]));
    for (const [at, id] of [...new Set([...this.workers.keys(), ...workers.keys()])].entries()) {
      if (keeps[20 + at]) continue;
      const worker = workers.get(id);
      if (worker) this.workers.set(id, worker);
      else this.workers.delete(id);
      this.#index.setWorker(id, worker);
    }
  }

  setContainer(id: string, known: Known): void {
    const { container, process, waitReason } = known;
    if (container || process !== undefined) this.containers.set(id, known);
    else this.containers.delete(id);
    this.#index.setContainer(id, container, process, waitReason);
  }

  record(decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (decision.do !== "wait") continue;
      const known = this.containers.get(decision.container);
      if (known) this.setContainer(decision.container, { ...known, waitReason: decision.reason });
    }
  }

  view(moment: PlanView): PlanView {
    const containers: PlanContainer[] = [];
    const running = new Map<string, number | null>();
    for (const [id, { container, process }] of this.containers) {
      if (container) containers.push(container);
      if (process !== undefined) running.set(id, process);
    }
    return { ...moment, containers, running, workers: [...this.workers.values()] };
  }

  /** Where the reason is not the recorded one. */
  waits(plain: readonly Pick<QueueStatus, "containerId" | "reason">[]): Decision[] {
    return plain
      .filter((status) => this.containers.get(status.containerId)?.waitReason !== status.reason)
      .map(({ containerId, reason }) => ({ do: "wait", container: containerId, reason }));
  }
}

/** The index is for instances that hold any number of containers. */
function caseOf({ given }: Step): Case {
  return { ...given, settings: { ...given.settings, maxRunningContainersPerInstance: 0 } };
}

function run(index: PlanIndex, view: PlanView, { settings, limits }: Case) {
  // Only what is not in the index is read from the view.
  const { containers: _, workers: __, running: ___, ...moment } = view;
  return planIndex(index, moment, settings, limits);
}

describe("an index that is kept up with every change", () => {
  it("gives the decisions, reasons to wait and statuses that a look at everything gives", () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, 0, 1, 2), (steps, containersMax) => {
        const index = new PlanIndex(EMPTY_VIEW.instanceTypes, containersMax);
        const world = new World(index);
        for (const step of steps) {
          world.goOver(step);
          const view = world.view(step.given.view);
          const settings = {
            ...step.given.settings,
            maxRunningContainersPerInstance: containersMax,
          };
          const { waiting, ...planned } = run(index, view, { ...step.given, settings });
          const waits = waitChanges(index.queue, waiting);
          const told = plainPlanAndWaits(view, settings, step.given.limits);
          const { statuses, ...plain } = told.plain;
          expect(planned).toEqual(plain);
          expect(waits).toEqual(world.waits(told.waits));
          if (step.recordsWaits) world.record(waits);
          expect(waiting.statuses()).toEqual(statuses);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("has nothing more to say about who waits once that is recorded", () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const index = new PlanIndex(EMPTY_VIEW.instanceTypes, 0);
        const world = new World(index);
        for (const step of steps) {
          world.goOver(step);
          const view = world.view(step.given.view);
          const { waiting } = run(index, view, caseOf(step));
          world.record(waitChanges(index.queue, waiting));
          const { waiting: again } = run(index, view, caseOf(step));
          expect(waitChanges(index.queue, again)).toEqual([]);
        }
      }),
    );
  });

  it("tells the statuses of a pass as they were then, however late they are read", () => {
    fc.assert(
      fc.property(steps, (steps) => {
        const index = new PlanIndex(EMPTY_VIEW.instanceTypes, 0);
        const world = new World(index);
        const told = steps.map((step) => {
          world.goOver(step);
          const { settings, limits } = caseOf(step);
          const view = world.view(step.given.view);
          const { statuses } = plainPlan(view, settings, limits);
          return { statuses, waiting: run(index, view, caseOf(step)).waiting };
        });
        for (const { waiting, statuses } of told) expect(waiting.statuses()).toEqual(statuses);
      }),
    );
  });
});
