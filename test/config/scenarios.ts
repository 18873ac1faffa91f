import { existsSync, readFileSync } from "node:fs";

export interface Scenario {
  readonly id: string;
  readonly when: string;
  readonly given: Record<string, unknown>;
  readonly then: Record<string, unknown>;
}

/** The cases of a scenario file, or none with the reason where the folder is absent. */
export function loadScenarios(name: string): { cases: Scenario[]; absent: string | undefined } {
  const file = new URL(`../../../shared/scenarios/${name}.json`, import.meta.url);
  if (!existsSync(file)) {
    return {
      cases: [],
      absent: "the scenario files stand beside the repository, and are not here",
    };
  }
  return { cases: JSON.parse(readFileSync(file, "utf8")) as Scenario[], absent: undefined };
}
