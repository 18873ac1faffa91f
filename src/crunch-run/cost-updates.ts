import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type CostMeter, parsePrices } from "./cost.ts";
import type { Log } from "./log.ts";
import { errorCode, errorText, lockDir, PRICES_NAME } from "./paths.ts";

// Every probe of the dispatcher wakes every runner; the API need not hear of each.
const UPDATE_MS = 60_000;

/** Adds the prices that `--list --stdin-prices` left here, if any. Returns whether there was news. */
export function loadPrices(meter: CostMeter, log: Log): boolean {
  try {
    return meter.addPrices(parsePrices(readFileSync(join(lockDir(), PRICES_NAME), "utf8")));
  } catch (error) {
    if (errorCode(error) !== "ENOENT") log(`load prices: ${errorText(error)}`);
    return false;
  }
}

/**
 * On SIGUSR2 loads new prices and sends the cost so far, if a price has changed or the last was sent a minute ago.
 * Returns a function that ends this.
 */
export function followPrices(
  meter: CostMeter,
  send: (costUsd: number) => Promise<void>,
  log: Log,
): () => void {
  let sentAtMs = -Infinity;
  let sentUsd = 0;
  const onWake = (): void => {
    const isNews = loadPrices(meter, log);
    const usd = meter.costAt(Date.now());
    if (usd === sentUsd || (!isNews && performance.now() - sentAtMs < UPDATE_MS)) return;
    sentAtMs = performance.now();
    sentUsd = usd;
    void send(usd);
  };
  process.on("SIGUSR2", onWake);
  return () => void process.off("SIGUSR2", onWake);
}
