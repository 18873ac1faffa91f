import type { StateNode } from "xstate";
import { actionText, guardText, transitionsOf } from "../../../src/machines/transitions.ts";

/** What several events, or several states of a region, have alike. */
export interface Edge {
  readonly sources: readonly StateNode[];
  /** Undefined: the state stays. */
  readonly target: StateNode | undefined;
  /** Empty: taken as soon as the guard holds. */
  readonly events: readonly string[];
  readonly guard: string;
  readonly actions: string;
}

/** All transitions of a chart; what is done alike on the way is one edge. */
export function edgesOf(root: StateNode): Edge[] {
  return merged(plainEdges(root));
}

function plainEdges(node: StateNode): Edge[] {
  const own = transitionsOf(node).map(({ source, target, event, guard, actions }): Edge => ({
    sources: [source],
    target,
    events: event === "" ? [] : [event],
    guard: guardText(guard),
    actions: actions.map(actionText).join(", "),
  }));
  return [...own, ...Object.values(node.states).flatMap((child) => plainEdges(child))];
}

/** One edge for what several events, and then what several states of a region, have alike. */
function merged(edges: readonly Edge[]): Edge[] {
  const alike = ({ target, guard, actions }: Edge): unknown[] => [target?.id, guard, actions];
  const byEvents = grouped(
    edges,
    (edge) => [...alike(edge), edge.sources.map(({ id }) => id)],
    mergeEvents,
  );
  return grouped(
    byEvents,
    (edge) => [...alike(edge), edge.events, edge.sources[0]?.parent?.id],
    (a, b) => ({ ...a, sources: [...a.sources, ...b.sources] }),
  );
}

/** For a picture, which does not show what is done on the way. */
export function drawnEdges(edges: readonly Edge[]): (Edge & { target: StateNode })[] {
  const moving = edges.filter((edge): edge is Edge & { target: StateNode } => !!edge.target);
  return grouped(
    moving,
    ({ sources, target, guard }) => [sources.map(({ id }) => id), target.id, guard],
    mergeEvents,
  );
}

function mergeEvents<E extends Edge>(a: E, b: E): E {
  return { ...a, events: [...a.events, ...b.events] };
}

export function grouped<T>(
  items: readonly T[],
  keyOf: (item: T) => unknown,
  merge: (a: T, b: T) => T,
): T[] {
  const groups = new Map<string, T>();
  for (const item of items) {
    const key = JSON.stringify(keyOf(item));
    const before = groups.get(key);
    groups.set(key, before ? merge(before, item) : item);
  }
  return [...groups.values()];
}
