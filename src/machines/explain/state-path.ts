import { MACHINES } from "../core/registry.ts";
import { ACTOR_KINDS, type ActorKind } from "../model/ids.ts";
import type { TakenTransition } from "../step.ts";

interface StateNode {
  readonly id: string;
  readonly path: readonly string[];
  readonly states: Readonly<Record<string, StateNode>>;
}

/** By the id that the chart gives a state. */
const PATHS = new Map<ActorKind, ReadonlyMap<string, string>>(
  ACTOR_KINDS.map((kind) => [kind, new Map(pathsBelow(MACHINES[kind].root as StateNode))]),
);

function pathsBelow(node: StateNode): [string, string][] {
  return [[node.id, node.path.join(".")], ...Object.values(node.states).flatMap(pathsBelow)];
}

/** The transition with its states by their paths in the chart (`lifecycle.booting`); "" is the chart as a whole. */
export function byPath(kind: ActorKind, transition: TakenTransition): TakenTransition {
  const { event, guard, from, to } = transition;
  const pathOf = (id: string): string => PATHS.get(kind)?.get(id) ?? id;
  return { event, guard, from: pathOf(from), to: to.split(" ").map(pathOf).join(" ") };
}
