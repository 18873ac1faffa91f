import type { AnyEventObject, AnyMachineSnapshot, AnyStateNode, StateValue } from "xstate";
import { guardCheck } from "../transitions.ts";
import type { GuardCheck } from "../transitions.ts";

export type Transition = NonNullable<AnyStateNode["always"]>[number];

export interface Candidate {
  readonly transition: Transition;
  readonly holds: GuardCheck;
}

/** What an event may take in the states that are active: inner states come before those around them. */
export interface Selector {
  readonly inner: readonly Selector[];
  /** The first that holds is taken. */
  readonly own: readonly Candidate[];
}

/** Undefined: no active state knows the event. */
export function selectorOf(
  node: AnyStateNode,
  value: StateValue,
  eventType: string,
): Selector | undefined {
  const inner: Selector[] = [];
  for (const [child, below] of activeIn(node, value)) {
    const selector = selectorOf(child, below, eventType);
    if (selector) inner.push(selector);
  }
  const own = (node.transitions.get(eventType) ?? []).map(candidate);
  return inner.length + own.length > 0 ? { inner, own } : undefined;
}

export function select(
  { inner, own }: Selector,
  snapshot: AnyMachineSnapshot,
  event: AnyEventObject,
  taken: Transition[] = [],
): Transition[] {
  const takenBefore = taken.length;
  for (const selector of inner) select(selector, snapshot, event, taken);
  if (taken.length > takenBefore) return taken;
  for (const { transition, holds } of own) {
    if (!holds(snapshot, event)) continue;
    taken.push(transition);
    break;
  }
  return taken;
}

/** Of each innermost state, outwards: what is taken without an event, as soon as its guard holds. */
export function eventlessOf(nodes: readonly AnyStateNode[]): Candidate[][] {
  return nodes
    .filter(({ type }) => type === "atomic" || type === "final")
    .map((node) => [node, ...outside(node)].flatMap(({ always = [] }) => always.map(candidate)))
    .filter((candidates) => candidates.length > 0);
}

/** All around a state, outwards. */
export function outside({ parent }: AnyStateNode): AnyStateNode[] {
  return parent ? [parent as AnyStateNode, ...outside(parent as AnyStateNode)] : [];
}

function candidate(transition: Transition): Candidate {
  return { transition, holds: guardCheck(transition.guard) };
}

function activeIn(node: AnyStateNode, value: StateValue): [AnyStateNode, StateValue][] {
  const entries = typeof value === "string" ? [[value, {}] as const] : Object.entries(value);
  return entries.map(([key, below]) => [node.states[key] as AnyStateNode, below as StateValue]);
}
