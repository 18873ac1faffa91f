import type { MetricObjectWithValues, MetricValue, Registry } from "prom-client";

type Value = MetricValue<string> & { readonly metricName?: string };
type Labels = Readonly<Record<string, string | number | undefined>>;
type Json = Record<string, unknown>;

/** `/metrics.json`: the families as protobuf's JSON has them, each indented by 2 (specification §11.5). */
export async function metricsJson(registry: Pick<Registry, "getMetricsAsJSON">): Promise<string> {
  const families = await registry.getMetricsAsJSON();
  const texts = families
    .filter((family) => family.values.length > 0)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((family) => JSON.stringify(familyOf(family), undefined, 2));
  return `[${texts.join(",")}]`;
}

function familyOf(family: MetricObjectWithValues<MetricValue<string>>): Json {
  const type = String(family.type);
  const series = new Map<string, { labels: Labels; values: Value[] }>();
  for (const value of family.values as Value[]) {
    const { quantile: _quantile, le: _le, ...labels } = value.labels as Labels;
    const key = JSON.stringify(Object.entries(labels).sort());
    const one = series.get(key) ?? { labels, values: [] };
    one.values.push(value);
    series.set(key, one);
  }
  const metrics = [...series].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    name: family.name,
    help: family.help,
    type: type.toUpperCase(),
    metric: metrics.map(([, { labels, values }]) => ({
      ...labelsOf(labels),
      [type]: valueOf(family.name, type, values),
    })),
  };
}

function labelsOf(labels: Labels): Json {
  const names = Object.keys(labels).sort();
  if (names.length === 0) return {};
  return { label: names.map((name) => ({ name, value: String(labels[name]) })) };
}

function valueOf(name: string, type: string, values: readonly Value[]): Json {
  const named = (suffix: string) =>
    values.find((value) => value.metricName === `${name}${suffix}`)?.value ?? 0;
  if (type === "summary") {
    const quantiles = values.filter((value) => value.labels["quantile"] !== undefined);
    return {
      // Protobuf's JSON has 64-bit integers as texts.
      sampleCount: String(named("_count")),
      sampleSum: numberOf(named("_sum")),
      ...(quantiles.length > 0 && {
        quantile: quantiles.map((value) => ({
          quantile: value.labels["quantile"],
          value: numberOf(value.value),
        })),
      }),
    };
  }
  if (type === "histogram") {
    const buckets = values.filter(
      (value) => value.metricName === `${name}_bucket` && value.labels["le"] !== "+Inf",
    );
    return {
      sampleCount: String(named("_count")),
      sampleSum: numberOf(named("_sum")),
      bucket: buckets.map((value) => ({
        cumulativeCount: String(value.value),
        upperBound: value.labels["le"],
      })),
    };
  }
  return { value: numberOf(values[0]?.value ?? 0) };
}

function numberOf(value: number): number | string {
  if (Number.isFinite(value)) return value;
  if (Number.isNaN(value)) return "NaN";
  return value > 0 ? "Infinity" : "-Infinity";
}
