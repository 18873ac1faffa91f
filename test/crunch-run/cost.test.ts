import { renameSync, writeFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import {
  instanceTypePrice,
  type InstancePrice,
  makeCostMeter,
  parsePrices,
} from "../../src/crunch-run/cost.ts";
import { followPrices } from "../../src/crunch-run/cost-updates.ts";
import { readScenarios } from "../support/scenarios.ts";
import { openWorkerBox, type WorkerBox } from "./worker-box.ts";

interface PriceJson {
  readonly t: string;
  readonly price: number;
}

interface Scenario {
  readonly id: string;
  readonly given: {
    readonly cost_start: string;
    readonly InstanceType_env?: string | null;
    readonly prices?: readonly PriceJson[];
    readonly prices_loads?: readonly (readonly PriceJson[])[];
    readonly prices_written_between_signals?: readonly PriceJson[];
  };
  readonly then: {
    readonly asserted: number | { now?: number; at_minus_30m?: number; cost_updates?: string[] };
    readonly log?: string;
  };
}

const NOW_MS = Date.parse("2026-01-01T12:00:00Z");

/** "-30m" as milliseconds. */
function spanMs(text: string): number {
  const [, count, unit] = /^(-\d+)([hm])$/.exec(text) ?? [];
  if (!unit) throw new Error(`unknown span ${text}`);
  return Number(count) * (unit === "h" ? 3_600_000 : 60_000);
}

const prices = (list: readonly PriceJson[], nowMs = NOW_MS): InstancePrice[] =>
  list.map(({ t, price }) => ({ startAtMs: nowMs + spanMs(t), usdPerHour: price }));

function playMeter({ given, then }: Scenario): void {
  const logged: string[] = [];
  const meter = makeCostMeter({
    startAtMs: NOW_MS + spanMs(given.cost_start),
    fallbackUsdPerHour: instanceTypePrice(given.InstanceType_env ?? undefined),
    onPriceChange: (price) => logged.push(price.usdPerHour.toFixed(2)),
  });
  for (const load of given.prices_loads ?? [given.prices ?? []]) {
    meter.addPrices(prices(load));
  }
  const asserted = typeof then.asserted === "number" ? { now: then.asserted } : then.asserted;
  expect(meter.costAt(NOW_MS)).toBeCloseTo(asserted.now ?? NaN, 9);
  if (asserted.at_minus_30m !== undefined) {
    expect(meter.costAt(NOW_MS + spanMs("-30m"))).toBeCloseTo(asserted.at_minus_30m, 9);
  }
  if (then.log) expect(then.log).toContain(logged.join(", "));
  if (then.log) expect(logged).toHaveLength(3);
}

let box: WorkerBox | undefined;
const lockDirBefore = process.env["CRUNCH_RUN_LOCK_DIR"];
afterEach(async () => {
  if (lockDirBefore === undefined) delete process.env["CRUNCH_RUN_LOCK_DIR"];
  else process.env["CRUNCH_RUN_LOCK_DIR"] = lockDirBefore;
  await box?.close();
  box = undefined;
});

function playSignals({ given, then }: Scenario): void {
  box = openWorkerBox();
  process.env["CRUNCH_RUN_LOCK_DIR"] = box.lockDir;
  const nowMs = Date.now();
  const meter = makeCostMeter({
    startAtMs: nowMs + spanMs(given.cost_start),
    fallbackUsdPerHour: instanceTypePrice(given.InstanceType_env ?? undefined),
    onPriceChange: () => undefined,
  });
  const updates: string[] = [];
  const unfollow = followPrices(
    meter,
    async (usd) => void updates.push(usd.toFixed(3)),
    () => undefined,
  );
  process.emit("SIGUSR2");
  const json = prices(given.prices_written_between_signals ?? [], nowMs).map((price) => ({
    StartTime: new Date(price.startAtMs).toISOString(),
    Price: price.usdPerHour,
  }));
  const path = `${box.lockDir}/crunch-run-prices.json`;
  writeFileSync(`${path}~`, JSON.stringify(json));
  renameSync(`${path}~`, path);
  process.emit("SIGUSR2");
  // Neither a new price nor a minute later: the API is not told again.
  process.emit("SIGUSR2");
  unfollow();
  process.emit("SIGUSR2");
  expect({ cost_updates: updates }).toEqual(then.asserted);
}

describe("scenarios crunchrun.cost", () => {
  for (const scenario of readScenarios<Scenario>("crunchrun.cost")) {
    it(scenario.id, () => {
      if (scenario.id === "arv.crunchrun.cost.sigusr2") playSignals(scenario);
      else playMeter(scenario);
    });
  }
});

describe("scenarios crunchrun.spot", () => {
  for (const { id } of readScenarios<Scenario>("crunchrun.spot")) {
    it(id, (context) => {
      context.skip("this runner does not watch EC2's metadata; asked to, it says so in its log");
    });
  }
});

/** What is told of prices that were not known before, oldest first. */
function toldOf(points: readonly InstancePrice[]): InstancePrice[] {
  const told: InstancePrice[] = [];
  const onPriceChange = (price: InstancePrice) => void told.push(price);
  makeCostMeter({ startAtMs: 0, fallbackUsdPerHour: 0, onPriceChange }).addPrices(points);
  return told;
}

describe("scenarios cloud.price", () => {
  interface PriceScenario {
    readonly id: string;
    readonly given: { readonly prices: readonly PriceJson[] };
    readonly then: { readonly asserted: readonly PriceJson[] };
  }
  const points = (list: readonly PriceJson[]): InstancePrice[] =>
    list.map(({ t, price }) => ({ startAtMs: parseInt(t) * 60_000, usdPerHour: price }));

  for (const { id, given, then } of readScenarios<PriceScenario>("cloud.price")) {
    it(id, () => expect(toldOf(points(given.prices))).toEqual(points(then.asserted).reverse()));
  }
});

describe("prices", () => {
  it("count again when one comes back after another", () => {
    const prices = [1, 2, 3].map((at) => ({ startAtMs: at, usdPerHour: at === 2 ? 5 : 4 }));
    expect(toldOf(prices)).toEqual(prices);
  });

  it("are 0 without a usable instance type", () => {
    expect([undefined, "", "no json", "null", '{"Price":-1}'].map(instanceTypePrice)).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });

  it.each(['{"Price":1}', '[{"StartTime":"soon","Price":1}]', "[null]", "no json"])(
    "are refused as a whole when they read %j",
    (text) => {
      expect(() => parsePrices(text)).toThrow();
    },
  );
});
