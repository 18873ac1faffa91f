import type { AnyStateMachine, AnyStateNode, StateValue } from "xstate";
import { outside } from "./selector.ts";
import type { Transition } from "./selector.ts";

/** What an action asks for, or what it makes of the context. */
export interface PreparedAction {
  readonly type: string;
  /** A function of context and event, or data. */
  readonly params: unknown;
  readonly assign: Assign | undefined;
}
export type Assign = (context: object, args: object, params: unknown) => object;

/** What leads from some states to others. */
export interface Passage {
  /** In their order. */
  readonly actions: readonly PreparedAction[];
  readonly active: ReadonlySet<AnyStateNode>;
}

/**
 * XState's algorithm (that of SCXML), for moves that neither end a chart nor enter or leave several regions at once. Null:
 * XState has to work it out, for every snapshot.
 */
export function passage(
  machine: AnyStateMachine,
  before: readonly AnyStateNode[],
  transitions: readonly Transition[],
): Passage | null {
  const active = new Set(before);
  const exited: AnyStateNode[] = [];
  const entered: AnyStateNode[] = [];
  for (const transition of transitions)
    if (!takeTransition(transition, { active, exited, entered })) return null;
  if (![...exited, ...entered].every(isSimple)) return null;
  for (const node of exited) active.delete(node);
  for (const node of entered) active.add(node);
  const actions = [
    ...exited.sort((a, b) => b.order - a.order).flatMap(({ exit }) => exit),
    ...transitions.flatMap((transition) => transition.actions),
    ...inOrder(entered).flatMap(({ entry }) => entry),
  ];
  return prepared(machine, actions, active);
}

/** Into the first states of a chart. */
export function firstPassage(machine: AnyStateMachine): Passage | null {
  const root = machine.root as AnyStateNode;
  const entered = defaultsOf(root);
  const hasFirstActions = root.type === "compound" && root.initial.actions.length > 0;
  if (hasFirstActions || !entered.every(isSimple)) return null;
  const active = new Set(inOrder([root, ...entered]));
  const actions = [...active].flatMap(({ entry }) => entry);
  return prepared(machine, actions, active);
}

function prepared(
  machine: AnyStateMachine,
  actions: readonly unknown[],
  active: ReadonlySet<AnyStateNode>,
): Passage | null {
  const known = actions.map((action) => prepare(machine, action));
  return known.every((action) => action !== null) ? { actions: known, active } : null;
}

/** Adds to what is `exited` and `entered`. False: only XState knows. */
function takeTransition(
  { source, target, reenter }: Transition,
  states: { active: ReadonlySet<AnyStateNode>; exited: AnyStateNode[]; entered: AnyStateNode[] },
): boolean {
  if (!target) return true;
  const [to, ...others] = target as AnyStateNode[];
  if (!to || others.length > 0 || reenter) return false;
  const isInner = to === source || isWithin(to, source);
  const domain = isInner ? source : outside(to).find((node) => isWithin(source, node));
  // All regions of a parallel state would be left and entered again.
  if (!domain || domain.type === "parallel") return false;
  const exited = [...states.active].filter((node) => isWithin(node, domain));
  // Of two transitions that leave the same state, one gives way.
  if (exited.some((node) => states.exited.includes(node))) return false;
  const above = outside(to).filter((node) => isWithin(node, domain));
  states.exited.push(...exited);
  states.entered.push(...above, ...(to === source ? [] : [to]), ...defaultsOf(to));
  return true;
}

/** The states that are entered with one that names none of them. */
function defaultsOf(node: AnyStateNode): AnyStateNode[] {
  if (node.type === "parallel")
    return Object.values(node.states).flatMap((child) => [child, ...defaultsOf(child)]);
  if (node.type !== "compound") return [];
  const inner = (node.initial.target as AnyStateNode[] | undefined) ?? [];
  return inner.flatMap((child) => [child, ...defaultsOf(child)]);
}

/** Whether nothing but its own actions happens when it is entered or left. */
function isSimple(node: AnyStateNode): boolean {
  const { type } = node;
  if (type === "final" || type === "parallel") return false;
  return type !== "compound" || node.initial.actions.length === 0;
}

function isWithin(node: AnyStateNode, outer: AnyStateNode): boolean {
  return outside(node).includes(outer);
}

function inOrder(nodes: AnyStateNode[]): AnyStateNode[] {
  return nodes.sort((a, b) => a.order - b.order);
}

/** As a snapshot tells the states that are active; regions are in the order that they were in. */
export function valueOf(
  node: AnyStateNode,
  active: ReadonlySet<AnyStateNode>,
  before: StateValue,
): StateValue {
  const innerBefore = (key: string): StateValue =>
    (typeof before === "string" ? undefined : before[key]) ?? {};
  if (node.type === "parallel") {
    const keys = typeof before === "string" ? [] : Object.keys(before);
    const regions = keys.length > 0 ? keys : Object.keys(node.states);
    return Object.fromEntries(
      regions.map((key) => [
        key,
        valueOf(node.states[key] as AnyStateNode, active, innerBefore(key)),
      ]),
    );
  }
  const child = Object.values(node.states).find((inner) => active.has(inner));
  if (!child) return {};
  if (Object.keys(child.states).length === 0) return child.key;
  return { [child.key]: valueOf(child, active, innerBefore(child.key)) };
}

/** Null: one of XState's own that does more than to assign. */
function prepare(machine: AnyStateMachine, action: unknown): PreparedAction | null {
  if (typeof action === "function") return null;
  const { type, params } = (typeof action === "string" ? { type: action } : action) as {
    type: string;
    params?: unknown;
  };
  const known: unknown = machine.implementations.actions[type];
  const built = known as { type: string; resolve?: unknown; assignment?: unknown } | undefined;
  if (built?.resolve === undefined) return { type, params, assign: undefined };
  return built.type === "xstate.assign"
    ? { type, params, assign: assignOf(built.assignment) }
    : null;
}

type Assigner = (args: object, params: unknown) => unknown;

function assignOf(assignment: unknown): Assign {
  if (typeof assignment === "function")
    return (context, args, params) => ({
      ...context,
      ...((assignment as Assigner)(args, params) as object),
    });
  const parts = Object.entries(assignment as object) as [string, unknown][];
  return (context, args, params) => {
    const assigned: Record<string, unknown> = { ...context };
    for (const [key, part] of parts)
      assigned[key] = typeof part === "function" ? (part as Assigner)(args, params) : part;
    return assigned;
  };
}
