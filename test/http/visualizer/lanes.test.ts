import { describe, expect, it } from "vitest";
import {
  findLanes,
  laneTops,
  lanesSeen,
  lanesWithin,
  readLanes,
  sortLanes,
  totalCost,
  withCosts,
} from "../../../src/http/visualizer/lanes/lanes.ts";
import { placeStretches } from "../../../src/http/visualizer/lanes/place.ts";
import type { TimelineLane } from "../../../src/http/wire/timeline.ts";

const at = (ms: number): string => new Date(ms).toISOString();
const run = (id: string, fromMs: number, toMs: number | null) => ({
  container_uuid: id,
  container_name: `job ${id}`,
  from: at(fromMs),
  to: toMs === null ? null : at(toMs),
});

function worker(id: string, changes: Partial<TimelineLane> = {}): TimelineLane {
  return {
    worker_id: id,
    instance_id: `i-${id}`,
    instance_type: "small",
    price: 0.1,
    spans: [
      { state: "booting", from: at(0), to: at(100) },
      { state: "running", from: at(100), to: null },
    ],
    containers: [],
    cost: 1,
    ...changes,
  };
}

describe("swim-lanes", () => {
  const lanes = readLanes({
    to: at(1_000),
    workers: [
      worker("a", {
        containers: [run("c1", 100, 300), run("c3", 300, 500), run("c2", 200, null)],
        cost: 2,
      }),
      worker("b", {
        instance_type: "large",
        spans: [{ state: "idle", from: at(600), to: at(700) }],
      }),
      worker("c", { cost: 4 }),
    ],
  });

  it("stack what ran at once, and use a row again once it is free", () => {
    expect(lanes[0]?.containers.map(({ id, row }) => [id, row])).toEqual([
      ["c1", 0],
      ["c2", 1],
      ["c3", 0],
    ]);
    expect(lanes[0]?.rows).toBe(2);
    expect(lanes[0]?.spans.at(-1)).toEqual({ state: "running", fromMs: 100, toMs: 1_000 });
  });

  it("are found by worker, instance, type and container", () => {
    const ids = (text: string) => findLanes(lanes, text).map(({ workerId }) => workerId);
    expect(ids("Job c2")).toEqual(["a"]);
    expect(ids("i-b")).toEqual(["b"]);
    expect(ids("LARGE")).toEqual(["b"]);
    expect(ids("c2")).toEqual(["a"]);
    expect(ids("")).toEqual(["a", "b", "c"]);
  });

  it("are put in order, and those without anything to show are left out", () => {
    const ids = (sorted: typeof lanes) => sorted.map(({ workerId }) => workerId);
    expect(ids(sortLanes(lanes, "start"))).toEqual(["a", "c", "b"]);
    expect(ids(sortLanes(lanes, "cost"))).toEqual(["c", "a", "b"]);
    expect(ids(sortLanes(lanes, "type"))).toEqual(["b", "a", "c"]);
    expect(ids(lanesWithin(lanes, { fromMs: 0, toMs: 500 }))).toEqual(["a", "c"]);
  });

  it("add their costs up", () => {
    expect(totalCost(lanes)).toBe(7);
    expect(totalCost(findLanes(lanes, "large"))).toBe(1);
    expect(totalCost(withCosts(lanes, new Map([["c", 0.5]])))).toBe(0.5);
  });

  it("are drawn only where they are seen", () => {
    const many = Array.from({ length: 5_000 }, () => lanes[0]!);
    const tops = laneTops(many, { barPx: 20, rowPx: 10 });
    expect(tops.at(-1)).toBe(200_000);
    expect(lanesSeen(tops, 100_000, 100_400)).toEqual({ first: 2_500, last: 2_510 });
    expect(lanesSeen(tops, 0, 399)).toEqual({ first: 0, last: 9 });
    expect(lanesSeen(tops, 199_900, 500_000)).toEqual({ first: 4_997, last: 4_999 });
    expect(lanesSeen([0], 0, 100)).toEqual({ first: 0, last: -1 });
  });

  it("draw one of those that would share a column of pixels", () => {
    const short = Array.from({ length: 1_000 }, (_, n) => ({ fromMs: n, toMs: n + 0.5 }));
    const placed = placeStretches(short, { from: 0, to: 1_000, widthPx: 100 });
    expect(placed.length).toBeLessThan(102);
    expect(placed.length).toBeGreaterThan(80);
    const zoomedIn = placeStretches(short, { from: 500, to: 510, widthPx: 100 });
    expect(zoomedIn.map(({ fromMs }) => fromMs)).toEqual([
      500, 501, 502, 503, 504, 505, 506, 507, 508, 509, 510,
    ]);
  });
});
