import { describe, expect, it } from "vitest";
import { normalizePriceHistory } from "../../../src/drivers/cloud/price-history.ts";
import { describeScenarios } from "../scenarios.ts";

function toPrices(points: { t: string; price: number }[]) {
  return points.map(({ t, price }) => ({ startAtMs: parseInt(t) * 60_000, price }));
}

describeScenarios("cloud.price.json", {
  runs: {
    "arv.price.normalize": ({ given, then }) => {
      const prices = toPrices(given.prices);
      const before = structuredClone(prices);
      expect(normalizePriceHistory(prices)).toEqual(toPrices(then.asserted));
      expect(prices).toEqual(before);
    },
  },
});

describe("price histories", () => {
  it("may be empty", () => {
    expect(normalizePriceHistory([])).toEqual([]);
  });

  it("keep a price that comes back after another", () => {
    const prices = [3, 2, 1].map((at) => ({ startAtMs: at, price: at === 2 ? 5 : 4 }));
    expect(normalizePriceHistory(prices)).toEqual(prices);
  });
});
