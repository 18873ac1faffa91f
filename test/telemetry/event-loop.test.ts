import { describe, expect, it } from "vitest";
import { Registry } from "prom-client";
import { makeEventLoopDelay, registerEventLoopDelay } from "../../src/telemetry/event-loop.ts";

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Keeps the event loop from all else, by CPU time. */
function block(ms: number): void {
  const began = process.cpuUsage();
  while (process.cpuUsage(began).user < ms * 1000);
}

describe("the event loop's delay", () => {
  it("is as long as something kept it, and does not go away by being read", async () => {
    const delay = makeEventLoopDelay();
    await pause(60);
    block(400);
    await pause(60);
    for (let n = 0; n < 3; n++) expect(delay.read().maxS).toBeGreaterThan(0.25);
    delay.stop();
  });

  it("is a gauge by quantile", async () => {
    const registry = new Registry();
    registerEventLoopDelay(registry);
    await pause(60);
    block(300);
    await pause(60);
    const text = await registry.metrics();
    const worst = /^dispatchcloud_event_loop_delay_seconds\{quantile="1"\} (\S+)$/m.exec(text)?.[1];
    expect(Number(worst)).toBeGreaterThan(0.2);
    for (const quantile of ["0.5", "0.99"]) expect(text).toContain(`{quantile="${quantile}"} `);
  });
});
