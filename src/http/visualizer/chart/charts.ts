import type { Chart } from "../../wire/chart.ts";
import type { ActorKind } from "../../wire/common.ts";
// Made from the machines by `npm run charts`.
import drawn from "../charts.json";

export const CHARTS = drawn as unknown as readonly Chart[];

export function chartOf(kind: string): Chart {
  return CHARTS.find((chart) => chart.kind === kind) ?? (CHARTS[0] as Chart);
}

/** Of which there is one each, so that nobody has to choose; as `/actors/{id}` names them. */
export const ONLY_ACTORS: Partial<Record<ActorKind, string>> = {
  supervisor: "supervisor",
  quota: "quota",
  throttle: "throttle",
};
