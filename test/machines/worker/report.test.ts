import { describe, expect, it } from "vitest";
import { heed, reportedMax } from "../../../src/machines/worker/worker.report.ts";
import { containerId } from "../../support/containers.ts";
import { instanceType, settings } from "../../support/settings.ts";
import { WorkerRig } from "../../support/worker-rig.ts";

const ids = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => containerId(from + n)).sort();
const report = (containerIds: string[], staleCount = 0) => ({
  containerIds,
  broken: false,
  stale: staleCount > 0,
  reportedCount: containerIds.length + staleCount,
});
const none = (): boolean => false;

describe("how many processes a worker may report", () => {
  it("is 64, four for each vCPU where that is more, and 256 where its type is not known", () => {
    const types = { ...settings().instanceTypes, big: { ...instanceType(96), name: "big" } };
    const config = settings({ instanceTypes: types });
    expect(reportedMax(config, "type1")).toBe(64);
    expect(reportedMax(config, "type16")).toBe(64);
    expect(reportedMax(config, "big")).toBe(384);
    for (const unknown of ["", "gone", "constructor"])
      expect(reportedMax(config, unknown)).toBe(256);
  });
});

describe("a report that names too many", () => {
  const { context } = WorkerRig.running(ids(3));

  it("leaves what the worker is known to run, and containers that are known", () => {
    const listed = ids(10_000, 2);
    const heeded = heed(report(listed), context, settings(), (id) => id === containerId(9_000));
    expect(heeded).toEqual({
      containerIds: [containerId(2), containerId(9_000)],
      reportedCount: 10_000,
    });
  });

  it("is one by its stale run locks, too", () => {
    const heeded = heed(report(ids(40), 25), context, settings(), none);
    expect(heeded).toEqual({ containerIds: ids(3), reportedCount: 65 });
    expect(heed(report(ids(40), 24), context, settings(), none)).toEqual({ containerIds: ids(40) });
  });

  it("never leaves more than it may report beside what it runs", () => {
    const heeded = heed(report(ids(37_000)), context, settings(), () => true);
    expect(heeded.containerIds).toHaveLength(64);
    expect(heeded.containerIds).toEqual(expect.arrayContaining(ids(3)));
    const full = WorkerRig.running(ids(70)).context;
    expect(heed(report(ids(80)), full, settings(), () => true).containerIds).toEqual(ids(70));
  });
});
