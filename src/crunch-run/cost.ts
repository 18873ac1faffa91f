/** A price that holds from an instant on. */
export interface InstancePrice {
  readonly startAtMs: number;
  readonly usdPerHour: number;
}

/** Newest first; of neighbours with the same start or the same price the older one stays (specification §9.6). */
function normalize(prices: readonly InstancePrice[]): InstancePrice[] {
  const sorted = [...prices].sort((a, b) => b.startAtMs - a.startAtMs);
  return sorted.filter((price, at) => {
    const older = sorted[at + 1];
    return !older || (price.startAtMs !== older.startAtMs && price.usdPerHour !== older.usdPerHour);
  });
}

/** The content of crunch-run-prices.json; entries that cannot be read make the whole unreadable (an error). */
export function parsePrices(text: string): InstancePrice[] {
  const json = JSON.parse(text) as unknown;
  if (!Array.isArray(json)) throw new Error("expected a JSON array of {StartTime, Price}");
  return json.map((entry: { StartTime?: unknown; Price?: unknown } | null) => {
    const startAtMs = Date.parse(String(entry?.StartTime));
    const usdPerHour = entry?.Price;
    if (Number.isNaN(startAtMs) || typeof usdPerHour !== "number") {
      throw new Error("expected a JSON array of {StartTime, Price}");
    }
    return { startAtMs, usdPerHour };
  });
}

/** Price in the instance type that the dispatcher sent in the environment; 0 when there is none. */
export function instanceTypePrice(instanceTypeJson: string | undefined): number {
  try {
    const price = (JSON.parse(instanceTypeJson ?? "null") as { Price?: unknown } | null)?.Price;
    return typeof price === "number" && price > 0 ? price : 0;
  } catch {
    return 0; // as the original: a cost of 0 rather than a container that fails
  }
}

export interface CostMeter {
  /** Adds what is known of prices; reports each that is new, oldest first. Returns whether any was. */
  addPrices(prices: readonly InstancePrice[]): boolean;
  /** In USD, from the start until `atMs`. */
  costAt(atMs: number): number;
}

/** Adds up the instance's price over the time since `startAtMs`; `fallbackUsdPerHour` holds while no price is known. */
export function makeCostMeter(options: {
  startAtMs: number;
  fallbackUsdPerHour: number;
  onPriceChange: (price: InstancePrice) => void;
}): CostMeter {
  let prices: InstancePrice[] = [];
  return {
    addPrices: (more) => {
      const lastKnownAtMs = prices[0]?.startAtMs ?? -Infinity;
      prices = normalize([...more, ...prices]);
      const news = prices.filter((price) => price.startAtMs > lastKnownAtMs).reverse();
      for (const price of news) options.onPriceChange(price);
      return news.length > 0;
    },
    costAt: (atMs) => {
      // Before the first known price we guess that it was the same.
      const earliest = prices.at(-1)?.usdPerHour ?? options.fallbackUsdPerHour;
      const history = [...prices, { startAtMs: -Infinity, usdPerHour: earliest }];
      let usd = 0;
      let endAtMs = atMs;
      for (const price of history) {
        if (price.startAtMs > atMs) continue;
        const beginAtMs = Math.max(price.startAtMs, options.startAtMs);
        usd += (price.usdPerHour * (endAtMs - beginAtMs)) / 3_600_000;
        if (price.startAtMs < options.startAtMs) break;
        endAtMs = beginAtMs;
      }
      return usd;
    },
  };
}
