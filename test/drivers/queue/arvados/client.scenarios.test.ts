import { expect } from "vitest";
import { makeLimiter } from "../../../../src/drivers/queue/arvados/limiter.ts";
import { encodeParams, encodeRequest } from "../../../../src/drivers/queue/arvados/params.ts";
import { describeScenarios, type Scenario } from "../../scenarios.ts";

const never = new AbortController().signal;

async function initialLimit({ then }: Scenario) {
  const limiter = makeLimiter({ limitMax: 0, nowMs: () => 0 });
  for (let i = 0; i < then.asserted.current; i++) await limiter.acquire(never);
  expect(limiter.inFlight).toBe(then.asserted.current);
  for (let i = 0; i < then.asserted.current; i++) limiter.release();
  expect(limiter.inFlight).toBe(0);
}

async function quietAfter503({ given, then }: Scenario) {
  let nowMs = 0;
  const quietPeriodMs = given.quiet_period_ms;
  const limiter = makeLimiter({ limitMax: 0, nowMs: () => nowMs, quietPeriodMs });
  expect(limiter.limit).toBe(given.limit);
  for (let i = 0; i < given.in_flight; i++) await limiter.acquire(never);
  limiter.report(503);
  expect(limiter.limit).toBe(then.asserted.limit);
  for (let i = 0; i < given.in_flight; i++) limiter.release();
  const controller = new AbortController();
  const cancelled = limiter.acquire(controller.signal);
  const waiting = limiter.acquire(never);
  controller.abort(new Error("cancelled"));
  await expect(cancelled).rejects.toThrow("cancelled");
  nowMs = quietPeriodMs - 1;
  expect(limiter.inFlight).toBe(0);
  nowMs = quietPeriodMs;
  await waiting;
  expect(limiter.inFlight).toBe(1);
}

/** The original counts an abandoned wait as a slot until it is released; here it never holds one. */
async function cancelWhileWaiting({ given, then }: Scenario) {
  expect(then.asserted.returns_early).toBe(true);
  const limiter = makeLimiter({ limitMax: given.limit, nowMs: () => 0 });
  for (let i = 0; i < given.current; i++) await limiter.acquire(never);
  await expect(limiter.acquire(AbortSignal.timeout(1))).rejects.toThrow("timeout");
  expect(limiter.inFlight).toBe(given.current);
}

function paramsOf({ given, then }: Scenario) {
  const decoded = [...new URLSearchParams(encodeParams(given.params))]
    .map(([key, value]) => `${key}=${value}`)
    .join("&");
  expect(decoded).toBe(then.query_decoded.replace(/ ?\(.*\)$/, ""));
}

function longGet({ given, then }: Scenario) {
  const short = "x=".length;
  const atLimit = encodeRequest("GET", "/p", { x: "y".repeat(given.encoded_length - short) });
  expect(atLimit.method).toBe(then.method);
  expect(atLimit.headers).toMatchObject(then.header);
  expect(atLimit.path).toBe("/p");
  expect(atLimit.body).toHaveLength(given.encoded_length);
  const below = encodeRequest("GET", "/p", { x: "y".repeat(given.encoded_length - short - 1) });
  expect(below.method).toBe("GET");
  expect(below.body).toBeUndefined();
}

describeScenarios("api_client.json", {
  runs: {
    "arv.client.limiter.initial": initialLimit,
    "arv.client.limiter.503": quietAfter503,
    "arv.client.limiter.cancel": cancelWhileWaiting,
    "drv.client.params.*": paramsOf,
    "drv.client.long_get": longGet,
  },
});
