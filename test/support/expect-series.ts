import { expect } from "vitest";

/** Compares with what a scenario says of series: `0`, `>0`, `>=0` or `present`. */
export function expectSeries(
  series: ReadonlyMap<string, number>,
  asserted: Readonly<Record<string, string>>,
): void {
  for (const [name, wanted] of Object.entries(asserted)) {
    const value = series.get(sorted(name));
    expect(value, `${name} is there`).toBeDefined();
    if (wanted === "present") continue;
    const [, operator = "", number = ""] = /^(>=|>|)(\d+)$/.exec(wanted) ?? [];
    if (operator === ">") expect(value, name).toBeGreaterThan(Number(number));
    else if (operator === ">=") expect(value, name).toBeGreaterThanOrEqual(Number(number));
    else expect(value, name).toBe(Number(number));
  }
}

function sorted(name: string): string {
  return name.replace(/\{(.*)\}/, (_, labels: string) => `{${labels.split(",").sort().join(",")}}`);
}
