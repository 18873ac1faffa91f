import { describe, expect, it, vi } from "vitest";
import * as packing from "../../../src/machines/instance-types/packing.ts";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";

// Counts how often an instance's room is compared with a need: the work that must not grow as containers × workers.
vi.mock(import("../../../src/machines/instance-types/packing.ts"), async (original) => {
  const actual = await original();
  return { ...actual, accommodates: vi.fn(actual.accommodates) };
});

/** Of a run of the planner. */
function comparisons(builder: CoreBuilder): number {
  vi.mocked(packing.accommodates).mockClear();
  builder.plan();
  return vi.mocked(packing.accommodates).mock.calls.length;
}

interface Size {
  readonly containers: number;
  readonly workers: number;
}

/** Every worker runs a container, with one VCPU to spare; those that wait need more, and no two need the same RAM. */
function crowd({ containers, workers }: Size): CoreBuilder {
  const builder = new CoreBuilder({ maxInstances: workers, initialQuotaEstimate: 1e6 });
  builder.dispatching();
  for (let n = 0; n < workers; n++) {
    const id = containerId(1_000_000 + n);
    builder.container(id, { state: "Running", vcpus: 3 }).instance(`i-${n}`, "type4", [id]);
  }
  for (let n = 0; n < containers; n++) builder.container(containerId(n), needs(n));
  return builder;
}

const needs = (n: number) => ({ vcpus: 2, ram: 2 ** 29 + n });

describe("how often the planner compares a need with an instance's room", () => {
  it("does not grow as containers × workers where nothing fits, no two containers alike", () => {
    const size = { containers: 400, workers: 100 };
    expect(comparisons(crowd(size))).toBeLessThan(2 * (size.containers + size.workers));
  });

  it("does not grow as containers × workers where a whole queue is placed at once", () => {
    const size = { containers: 400, workers: 50 };
    const builder = new CoreBuilder().dispatching();
    for (let n = 0; n < size.workers; n++) builder.instance(`i-${n}`, "type8");
    for (let n = 0; n < size.containers; n++) builder.container(containerId(n));
    const { containers, workers } = size;
    expect(comparisons(builder)).toBeLessThan(0.5 * containers * workers);
  });

  it("is next to nothing in a pass after one change", () => {
    const builder = crowd({ containers: 400, workers: 100 });
    builder.plan();
    builder.container(containerId(2_000_000), needs(500));
    expect(comparisons(builder)).toBeLessThan(10);
  });
});
