import { expect, onTestFinished, vi } from "vitest";
import { makeSystemClock } from "../../src/actors/clock.ts";
import { describeScenarios, type Scenario } from "../drivers/scenarios.ts";
import { makeFilePlace } from "../drivers/journal/place.ts";
import { expectSeries } from "../support/expect-series.ts";
import { liveFlakily, reportLife, type LifeReport } from "../support/flaky-life.ts";

/*
 * The randomised life in real time, with a journal on disk. LIFE_CONTAINERS=2000 runs a longer queue, LIFE_SEED another
 * life, and LIFE_REPORT names a file that gets a line of figures for each run.
 */
const { LIFE_CONTAINERS = "200", LIFE_SEED = "1" } = process.env;
const containersCount = Number(LIFE_CONTAINERS);
/** A real clock's timers are too coarse for spans of 3 ms. */
const SCALE = 10;
const LOOK_EVERY_MS = 10;

vi.setConfig({ testTimeout: 180_000 + containersCount * 500 });

async function live(scenario: Scenario): Promise<LifeReport> {
  const clock = makeSystemClock();
  const place = await makeFilePlace();
  onTestFinished(() => place.remove());
  const journal = place.open();
  onTestFinished(() => journal.close());
  const pass = async (untilMs: number, isOver: () => boolean): Promise<boolean> => {
    while (!isOver()) {
      if (clock.nowMs() >= untilMs) return false;
      await new Promise<void>((resolve) => clock.setTimer(LOOK_EVERY_MS, resolve));
    }
    return true;
  };
  return liveFlakily({
    scenario: scenario,
    scale: SCALE,
    seed: Number(LIFE_SEED),
    containersCount,
    clock,
    journal,
    pass,
    // Not five seconds times the scale: the clock is real, and a standstill shows sooner, on a busy machine too.
    progressEveryMs: 20_000 / SCALE,
    emptyWithinMs: 20_000 / SCALE,
    unavailableAt: containersCount / 2,
  });
}

describeScenarios("dispatcher.e2e.json", {
  runs: {
    "arv.disp.chaos": async (scenario) => {
      const cpuSince = process.cpuUsage();
      const report = await live(scenario);
      reportLife(`real time, seed ${LIFE_SEED}`, report, cpuSince);
      expect(report.fleet.createFailures.get("capacity")).toBeGreaterThan(0);
      expectSeries(report.series, scenario.then.asserted.metrics_after);
    },
  },
});
