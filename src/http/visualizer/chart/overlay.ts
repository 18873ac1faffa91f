import { saidOnce } from "../../export/said-once.ts";
import type { LastTransition } from "../../wire/actor.ts";
import type { Chart, ChartEdge, ChartNode, ChartTransition } from "../../wire/chart.ts";
import type { StateValue } from "../../wire/common.ts";

/** What the mouse or the keyboard points at. */
export interface Focus {
  readonly node?: string;
  readonly edge?: string;
}

/** Something is pointed at, or no longer. */
export type Point = (what: Focus, isOver: boolean) => void;

/** The boxes of the states that an actor is in: `lifecycle.idle`. */
export function activeIds(value: StateValue): string[] {
  if (typeof value === "string") return [value];
  return Object.entries(value).map(([region, state]) => `${region}.${state}`);
}

/** The arrow of a transition that was taken; undefined for one that stays in its state. */
export function takenEdge(chart: Chart, last: LastTransition | null): ChartEdge | undefined {
  if (!last) return undefined;
  return chart.edges.find(
    (edge) =>
      edge.to_any.includes(last.to) &&
      leaves(edge, last.from) &&
      edge.transitions.some((one) => is(one, last)),
  );
}

/** Taken from a state, or from what is around it. */
function leaves({ from_any }: ChartEdge, from: string): boolean {
  return from === "" || from_any.some((id) => id === from || id.startsWith(`${from}.`));
}

/** What has no event of its own was taken within the step of another one's. */
function is({ events, guard }: ChartTransition, last: LastTransition): boolean {
  return guard === last.guard && (events.length === 0 || events.includes(last.event));
}

/** What is lit with what is pointed at: a state's arrows, and an arrow's states. */
export function litIds(chart: Chart, { node, edge }: Focus): ReadonlySet<string> {
  const edges = chart.edges.filter(
    ({ id, from, to, from_any, to_any }) =>
      id === edge || (node !== undefined && [from, to, ...from_any, ...to_any].includes(node)),
  );
  const ids = edges.flatMap(({ id, from, to, from_any, to_any }) => [
    ...[id, from, to],
    ...from_any,
    ...to_any,
  ]);
  return new Set(node === undefined ? ids : [node, ...edges.map(({ id }) => id)]);
}

/** `clock.ticked if idleOverdue and not held`. */
export function transitionText({ events, guard }: ChartTransition): string {
  const on = events.length === 0 ? "at once" : `on ${events.join(" or ")}`;
  return guard === "" ? on : `${on} if ${guard}`;
}

export function edgeText(edge: ChartEdge): string {
  const from = edge.from_any.map(nameOf).join(", ") || "the beginning";
  const said = saidOnce(edge).map(transitionText).join("; ");
  return `${from} to ${targetsText(edge)}${said === "" ? "" : `: ${said}`}`;
}

export function targetsText({ to_any }: Pick<ChartEdge, "to_any">): string {
  return to_any.map(nameOf).join(" or ");
}

/** `worker, lifecycle: idle, 12 workers`. */
export function nodeText(chart: Chart, node: ChartNode, count: number, isActive: boolean): string {
  const region = node.parent ? `, ${node.parent}` : "";
  const noun = NOUNS[chart.kind][count === 1 ? 0 : 1];
  const active = isActive ? ", the chosen one is in it" : "";
  return `${chart.kind}${region}: ${node.key}, ${count} ${noun}${active}`;
}

const NOUNS: Readonly<Record<Chart["kind"], readonly [string, string]>> = {
  worker: ["worker", "workers"],
  container: ["container", "containers"],
  supervisor: ["supervisor", "supervisors"],
  quota: ["quota", "quotas"],
  capacity: ["capacity key", "capacity keys"],
  throttle: ["throttle", "throttles"],
};

export function nameOf(id: string): string {
  return id.slice(id.lastIndexOf(".") + 1);
}

/** Which rows of the fleet are in a state; null where the fleet shows none of that kind. */
export function fleetFilter(kind: Chart["kind"], id: string): Record<string, string> | null {
  const name = nameOf(id);
  if (kind === "container") return { q: `state:${name}` };
  if (kind !== "worker") return null;
  return { state: id.startsWith("idleBehavior.") ? `behavior:${name}` : `worker:${name}` };
}
