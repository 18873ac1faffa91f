import { readFileSync } from "node:fs";

/** What every case has; `given` and `then` differ from area to area. */
interface Identified {
  readonly id: string;
}

/**
 * The cases of `test/scenarios/NAME.json`. Throws where the file is missing, unreadable or empty: a suite without its data has
 * failed, it is not skipped.
 */
export function readScenarios<T extends Identified>(name: string): readonly T[] {
  const file = new URL(`../scenarios/${name}.json`, import.meta.url);
  const cases: unknown = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(cases) || cases.length === 0)
    throw new Error(`${name}.json holds no case: its tests would pass without testing anything`);
  return cases as T[];
}
