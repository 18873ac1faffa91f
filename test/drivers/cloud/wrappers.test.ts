import { describe, expect, it } from "vitest";
import { decorate } from "../../../src/drivers/cloud/decorate.ts";
import { withDefaultTags } from "../../../src/drivers/cloud/default-tags.ts";
import { CLOUD_OPERATIONS, withMetrics } from "../../../src/drivers/cloud/instrumented.ts";
import type { CreateRequest } from "../../../src/drivers/cloud/port.ts";
import { withRateLimit } from "../../../src/drivers/cloud/rate-limit.ts";
import { withTagFilter } from "../../../src/drivers/cloud/tag-filter.ts";
import { createRequest, NEVER } from "../../conformance/cloud.conformance.ts";
import { describeScenarios } from "../scenarios.ts";
import { callCloud, makeFakeClock, makeFakeCloud, makeInstance } from "./fake.ts";

function makeCounters() {
  const series = new Map<string, number>();
  for (const operation of CLOUD_OPERATIONS) {
    for (const error of [0, 1]) series.set(`${operation}/${error}`, 0);
  }
  return {
    series: () => Object.fromEntries(series),
    count(operation: string, error: boolean): void {
      const key = `${operation}/${error ? 1 : 0}`;
      series.set(key, series.get(key)! + 1);
    },
  };
}

interface Listed {
  readonly id: string;
  readonly tags: Record<string, string>;
}

describeScenarios("driver.wrapper.json", {
  runs: {
    "drv.wrapper.filter": async ({ given, then }) => {
      const listed = given.instances.map((one: Listed) => makeInstance(one.id, one.tags));
      const counts: unknown[] = [];
      const set = withTagFilter(makeFakeCloud(listed).set, (seen) => counts.push(seen));
      const kept = await set.list(given.requested, NEVER);
      expect(kept.map(({ instanceId }) => instanceId)).toEqual(then.ids);
      expect(counts).toEqual([{ listedCount: listed.length, keptCount: then.ids.length }]);
    },
    "drv.wrapper.default_tags": async ({ given, then }) => {
      const cloud = makeFakeCloud();
      const set = withDefaultTags(cloud.set, given.ResourceTags);
      await set.create(createRequest({ tags: given.create_tags }), NEVER);
      expect((cloud.calls[0]?.[1] as CreateRequest).tags).toEqual(then.tags);
    },
    "drv.wrapper.rate_limit": async ({ given, then }) => {
      const cloud = makeFakeCloud();
      const clock = makeFakeClock();
      const set = withRateLimit(cloud.set, { opsPerSecond: given.MaxCloudOpsPerSecond, ...clock });
      const startTimes: number[] = [];
      const calls = given.calls.map((name: string) => callCloud(set, name));
      for (let at = 0; startTimes.length < given.calls.length; at += 10) {
        await clock.advanceTo(at);
        while (startTimes.length < cloud.calls.length) startTimes.push(at);
      }
      await Promise.all(calls);
      expect(startTimes).toEqual(then.start_times_ms);
      expect(cloud.calls.map(([name]) => name)).toEqual(["create", "list", "destroy", "setTags"]);
    },
    "drv.wrapper.metrics": async ({ given, then }) => {
      const cloud = makeFakeCloud();
      const counters = makeCounters();
      const set = withMetrics(cloud.set, counters.count);
      for (const [name, outcome] of given.calls) {
        if (outcome === "error") cloud.failNext();
        const isFailed = await callCloud(set, name).then(
          () => false,
          () => true,
        );
        expect(isFailed).toBe(outcome === "error");
      }
      expect(counters.series()).toEqual(then.driver_operations);
    },
  },
});

describe("the rate limit", () => {
  it("keeps one tick, and no more, while nobody calls", async () => {
    const cloud = makeFakeCloud();
    const clock = makeFakeClock();
    const set = withRateLimit(cloud.set, { opsPerSecond: 10, ...clock });
    await clock.advanceTo(1050);
    const calls = [1, 2, 3].map(() => callCloud(set, "List"));
    await calls[0];
    expect(cloud.calls).toHaveLength(1);
    await clock.advanceTo(1099);
    expect(cloud.calls).toHaveLength(1);
    await clock.advanceTo(1100);
    expect(cloud.calls).toHaveLength(2);
    await clock.advanceTo(1200);
    await Promise.all(calls);
    expect(cloud.calls).toHaveLength(3);
    expect(clock.timersCount()).toBe(0);
  });

  it("makes no call that was aborted while it waited, and gives its turn to the next", async () => {
    const cloud = makeFakeCloud();
    const clock = makeFakeClock();
    const set = withRateLimit(cloud.set, { opsPerSecond: 10, ...clock });
    const controller = new AbortController();
    const aborted = callCloud(set, "Create", controller.signal);
    const next = callCloud(set, "Destroy");
    controller.abort();
    await expect(aborted).rejects.toMatchObject({ failure: { code: "aborted" } });
    await clock.advanceTo(100);
    await next;
    expect(cloud.calls.map(([name]) => name)).toEqual(["destroy"]);
  });

  it("of 0 is none", async () => {
    const cloud = makeFakeCloud();
    const set = withRateLimit(cloud.set, { opsPerSecond: 0, ...makeFakeClock() });
    for (let call = 0; call < 5; call++) await callCloud(set, "List");
    expect(cloud.calls).toHaveLength(5);
  });

  it("lets everything pass that does not go to the cloud", async () => {
    const cloud = makeFakeCloud();
    const set = withRateLimit(cloud.set, { opsPerSecond: 10, ...makeFakeClock() });
    const session = { execute: () => Promise.reject(new Error("not needed")) };
    expect(set.quotaGroup(createRequest().type)).toBe("group");
    expect(await set.verifyHostKey(makeInstance("i", {}), Buffer.of(1), session)).toBe(
      "unsupported",
    );
    await set.close();
    expect(cloud.calls.map(([name]) => name)).toEqual(["quotaGroup", "verifyHostKey", "close"]);
  });
});

describe("the tag filter", () => {
  it("is silent when nothing is dropped", async () => {
    const counts: unknown[] = [];
    const { set } = makeFakeCloud([makeInstance("i-1", { A: "1" })]);
    const filtered = withTagFilter(set, (seen) => counts.push(seen));
    expect(await filtered.list({ A: "1" }, NEVER)).toHaveLength(1);
    expect(counts).toEqual([]);
  });
});

describe("a decorated driver", () => {
  it("counts a call when it is made, not while it waits, and only calls that were made", async () => {
    const cloud = makeFakeCloud([makeInstance("i-1", {})]);
    const clock = makeFakeClock();
    const counters = makeCounters();
    const set = decorate(cloud.set, {
      resourceTags: { x: "res" },
      opsPerSecond: 10,
      count: counters.count,
      ...clock,
    });
    const controller = new AbortController();
    const aborted = callCloud(set, "Destroy", controller.signal);
    controller.abort();
    await expect(aborted).rejects.toThrow(/not asked/);
    const creating = set.create(createRequest({ tags: { y: "own" } }), NEVER);
    const listing = set.list({ x: "res" }, NEVER);
    expect(cloud.calls).toEqual([]);
    await clock.advanceTo(200);
    await creating;
    expect(await listing).toEqual([]);
    expect((cloud.calls[0]?.[1] as CreateRequest).tags).toEqual({ x: "res", y: "own" });
    expect(counters.series()).toMatchObject({ "Create/0": 1, "List/0": 1, "Destroy/1": 0 });
  });
});
