import { describe, it } from "vitest";
import { readScenarios } from "../support/scenarios.ts";

/** The shapes of `given` and `then` differ from area to area; each test reads what it knows. */
/* eslint-disable @typescript-eslint/no-explicit-any */
export interface Scenario {
  readonly id: string;
  readonly given: any;
  readonly when: string;
  readonly then: any;
}
/* eslint-enable @typescript-eslint/no-explicit-any */

export interface ScenarioPlan {
  /** By id, or by an id that ends in `*` for all that begin so. */
  readonly runs: Readonly<Record<string, (scenario: Scenario) => unknown>>;
  /** Id to reason, with the same patterns. */
  readonly skips?: Readonly<Record<string, string>>;
}

/** Runs every case of a scenario file, or skips it with its reason; a case that the plan does not know fails. */
export function describeScenarios(file: string, plan: ScenarioPlan): void {
  describe(`scenarios of ${file}`, () => {
    for (const scenario of readScenarios<Scenario>(file.replace(/\.json$/, ""))) {
      const reason = findFor(plan.skips ?? {}, scenario.id);
      if (reason !== undefined) {
        it(scenario.id, (context) => context.skip(reason));
        continue;
      }
      it(scenario.id, async () => {
        const run = findFor(plan.runs, scenario.id);
        if (!run) throw new Error(`no test runs the case ${scenario.id}, and nothing says why not`);
        await run(scenario);
      });
    }
  });
}

function findFor<T>(entries: Readonly<Record<string, T>>, id: string): T | undefined {
  const pattern = Object.keys(entries).find((key) =>
    key.endsWith("*") ? id.startsWith(key.slice(0, -1)) : id === key,
  );
  return pattern === undefined ? undefined : entries[pattern];
}
