import type { StateNode } from "xstate";
import type { ChartTransition } from "../../../src/http/wire/chart.ts";
import { guardText, transitionsOf } from "../../../src/machines/transitions.ts";

/** What several events, or several states of a region, have alike. */
export interface Edge {
  readonly sources: readonly StateNode[];
  /** Undefined: the state stays. */
  readonly target: StateNode | undefined;
  /** Empty: taken as soon as the guard holds. */
  readonly events: readonly string[];
  readonly guard: string;
  readonly actions: readonly string[];
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
    actions: actions.map(actionText),
  }));
  return [...own, ...Object.values(node.states).flatMap((child) => plainEdges(child))];
}

export function actionText(action: unknown): string {
  if (typeof action === "string") return action;
  const { type, params } = action as { type: string; params?: unknown };
  return typeof params === "string" ? `${type} "${params}"` : type;
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

/** What leads from the same states to one, or to whichever of several its guard names. */
export interface DrawnEdge {
  readonly sources: readonly StateNode[];
  readonly targets: readonly StateNode[];
  readonly transitions: readonly ChartTransition[];
}

/** For a picture, which does not show what is done on the way. */
export function drawnEdges(edges: readonly Edge[]): DrawnEdge[] {
  const moving = edges.filter((edge): edge is Edge & { target: StateNode } => !!edge.target);
  const byTarget = grouped(
    moving,
    ({ sources, target, guard }) => [sources.map(({ id }) => id), target.id, guard],
    mergeEvents,
  );
  return namedTogether(byTarget).map((alike) => ({
    sources: alike[0]?.sources ?? [],
    targets: alike.map(({ target }) => target),
    transitions: alike.map(({ events, guard, actions }) => ({
      events: [...events],
      guard,
      actions: [...actions],
    })),
  }));
}

/**
 * Guards such as `becomes Locked` name the state that they lead to: which one that is, somebody outside says, so that an
 * arrow from each to each would tell nothing. Those that differ in it alone belong together.
 */
export function namedTogether<E extends Edge>(edges: readonly E[]): E[][] {
  return grouped(
    edges.map((edge) => [edge]),
    ([edge]) => {
      const { sources, target, events, guard, actions } = edge as E;
      const [name, ...named] = guard.split(" ");
      const asked = named.join(" ") === target?.key ? name : [target?.id, guard];
      return [sources.map(({ id }) => id), events, asked, actions];
    },
    (a, b) => [...a, ...b],
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
