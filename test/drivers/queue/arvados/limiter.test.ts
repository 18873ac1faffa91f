import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { makeLimiter } from "../../../../src/drivers/queue/arvados/limiter.ts";

const never = new AbortController().signal;

/** Whether it resolves without anything else happening. */
async function isAdmitted(acquired: Promise<void>): Promise<boolean> {
  return Promise.race([
    acquired.then(() => true),
    vi.advanceTimersByTimeAsync(0).then(() => false),
  ]);
}

function makeTestLimiter(limitMax = 0) {
  return makeLimiter({ limitMax, quietPeriodMs: 100, nowMs: () => Date.now() });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe("the limiter of requests at once", () => {
  it("begins with a limit of 8 and lets the ninth wait for a slot", async () => {
    const limiter = makeTestLimiter();
    for (let i = 0; i < 8; i++) expect(await isAdmitted(limiter.acquire(never))).toBe(true);
    const ninth = limiter.acquire(never);
    expect(await isAdmitted(ninth)).toBe(false);
    limiter.release();
    expect(await isAdmitted(ninth)).toBe(true);
    for (let i = 0; i < 8; i++) limiter.release();
    expect(limiter.inFlight).toBe(0);
  });

  it("halves on a 503, once in a quiet period, and starts nothing before its end", async () => {
    const limiter = makeTestLimiter();
    for (let i = 0; i < 5; i++) await limiter.acquire(never);
    limiter.report(503);
    limiter.report(503);
    expect(limiter.limit).toBe(4);
    for (let i = 0; i < 5; i++) limiter.release();
    const next = limiter.acquire(never);
    await vi.advanceTimersByTimeAsync(99);
    expect(await isAdmitted(next)).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await isAdmitted(next)).toBe(true);
    limiter.report(503);
    expect(limiter.limit).toBe(2);
  });

  it("grows on success to at most twice what is in flight, and never beyond the hard maximum", async () => {
    const limiter = makeTestLimiter(10);
    for (let i = 0; i < 8; i++) await limiter.acquire(never);
    for (let i = 0; i < 5; i++) limiter.report(200);
    expect(limiter.limit).toBe(10);
    for (let i = 0; i < 7; i++) limiter.release();
    limiter.report(200);
    expect(limiter.limit).toBe(2);
    limiter.report(422);
    expect(limiter.limit).toBe(2);
  });

  it("never falls to a limit at which nothing could start", async () => {
    const limiter = makeTestLimiter();
    await limiter.acquire(never);
    for (let i = 0; i < 10; i++) {
      limiter.report(503);
      await vi.advanceTimersByTimeAsync(200);
    }
    expect(limiter.limit).toBe(1);
    limiter.release();
    expect(await isAdmitted(limiter.acquire(never))).toBe(true);
  });

  it("gives an abandoned wait no slot", async () => {
    const limiter = makeTestLimiter(1);
    await limiter.acquire(never);
    const controller = new AbortController();
    const abandoned = limiter.acquire(controller.signal);
    const patient = limiter.acquire(never);
    controller.abort(new Error("given up"));
    await expect(abandoned).rejects.toThrow("given up");
    await expect(limiter.acquire(controller.signal)).rejects.toThrow("given up");
    limiter.release();
    expect(await isAdmitted(patient)).toBe(true);
    expect(limiter.inFlight).toBe(1);
  });
});
