import { monitorEventLoopDelay } from "node:perf_hooks";
import { Gauge, type Registry } from "prom-client";

/** How often it looks: what is told is what came on top of this. */
const RESOLUTION_MS = 10;
/** Looks of one window: a minute, where nothing is late. */
const LOOKS_MIN = 6_000;
const NS_PER_S = 1e9;

/** How late the event loop was, in seconds: half the time, all but a hundredth of it, and at worst. */
export interface DelayReading {
  readonly p50S: number;
  readonly p99S: number;
  readonly maxS: number;
}

const NONE: DelayReading = { p50S: 0, p99S: 0, maxS: 0 };

/**
 * Watches how late this process gets to what is due. A reading is the worse of the window that goes on and the one before;
 * a window ends with the first reading after its minute, so that what happens between two readings is in one of them.
 */
export function makeEventLoopDelay(): { read(): DelayReading; stop(): void } {
  const looks = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  looks.enable();
  let before = NONE;
  const read = (): DelayReading => {
    if (looks.count === 0) return before;
    const now: DelayReading = {
      p50S: lateS(looks.percentile(50)),
      p99S: lateS(looks.percentile(99)),
      maxS: lateS(looks.max),
    };
    const reading: DelayReading = {
      p50S: Math.max(now.p50S, before.p50S),
      p99S: Math.max(now.p99S, before.p99S),
      maxS: Math.max(now.maxS, before.maxS),
    };
    if (looks.count >= LOOKS_MIN) {
      before = now;
      looks.reset();
    }
    return reading;
  };
  return { read, stop: () => void looks.disable() };
}

function lateS(ns: number): number {
  return Math.max(0, ns / NS_PER_S - RESOLUTION_MS / 1_000);
}

/** Quantile 1 is the worst. */
export function registerEventLoopDelay(registry: Registry): void {
  const delay = makeEventLoopDelay();
  new Gauge({
    name: "dispatchcloud_event_loop_delay_seconds",
    help: "How late the process gets to what is due, since the scrape of a minute ago or before.",
    labelNames: ["quantile"],
    registers: [registry],
    collect() {
      const { p50S, p99S, maxS } = delay.read();
      this.set({ quantile: "0.5" }, p50S);
      this.set({ quantile: "0.99" }, p99S);
      this.set({ quantile: "1" }, maxS);
    },
  });
}
