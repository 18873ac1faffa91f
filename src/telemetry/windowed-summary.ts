import { Summary, type Registry } from "prom-client";

interface Window {
  readonly labels: Readonly<Record<string, string | number>>;
  readonly td: { size(): number };
}

/**
 * A summary with the quantiles of specification §12 over the last ten minutes. The library says 0 when there was nothing in the
 * window; here it is NaN, as Prometheus has it, so that nobody takes it for a very short time.
 */
export class WindowedSummary<T extends string = string> extends Summary<T> {
  constructor(registry: Registry, name: string, help: string, labelNames: readonly T[] = []) {
    super({
      name,
      help,
      labelNames: [...labelNames],
      registers: [registry],
      percentiles: [0.5, 0.9, 0.95, 0.99],
      maxAgeSeconds: 600,
      ageBuckets: 5,
    });
  }

  override async get(): ReturnType<Summary<T>["get"]> {
    const metric = await super.get();
    // Not in the library's types; there is no other way to tell an empty window from a zero.
    const windows = Object.values(Reflect.get(this, "hashMap") as Record<string, Window>);
    const empty = windows.filter((window) => window.td.size() === 0).map(({ labels }) => labels);
    const values = metric.values.map((value) => {
      const { quantile, ...labels } = value.labels as Record<string, string | number>;
      if (quantile === undefined || !empty.some((other) => sameLabels(other, labels))) return value;
      return { ...value, value: NaN };
    });
    return { ...metric, values };
  }
}

function sameLabels(a: Window["labels"], b: Window["labels"]): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}
