import { and } from "xstate";
import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, StateNode } from "xstate";

/** One transition of a chart, by the names that pictures and explanations give it. */
export interface ChartTransition {
  readonly source: StateNode;
  /** Undefined: the state stays. */
  readonly target: StateNode | undefined;
  /** "" for one that is taken as soon as its guard holds. */
  readonly event: string;
  /** As the chart has it; `guardText` names it. */
  readonly guard: unknown;
  readonly actions: readonly unknown[];
}

/** A state's own transitions in the order in which they are tried, those without an event last. */
export function transitionsOf(node: StateNode): ChartTransition[] {
  const all = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
  return all.flatMap(({ source, target, eventType, guard, actions }) =>
    (target ?? [undefined]).map((to) => ({ source, target: to, event: eventType, guard, actions })),
  );
}

/** `lifecycle.idle`; "" for the whole chart. */
export function pathOf(node: StateNode): string {
  return node.path.join(".");
}

/** The states that a snapshot is in, from the whole chart inwards. */
export function activeStates({ machine, value }: AnyMachineSnapshot): StateNode[] {
  return activeBelow((machine as AnyStateMachine).root as StateNode, value);
}

function activeBelow(node: StateNode, value: unknown): StateNode[] {
  const inner =
    typeof value === "string" ? [[value, {}] as const] : Object.entries(value as object);
  return [
    node,
    ...inner.flatMap(([key, below]) => {
      const child = node.states[key];
      return child ? activeBelow(child, below) : [];
    }),
  ];
}

/** What `and`, `or` and `not` make: functions that carry what they combine. */
interface CombinedGuard {
  readonly name: string;
  readonly guards?: readonly unknown[];
  readonly stateValue?: unknown;
}

/** A guard as it is written: `asked hold`, `overdueForProbe and not held`; "" where there is none. */
export function guardText(guard: unknown): string {
  if (typeof guard === "string") return guard;
  if (typeof guard === "function") {
    const { name, guards = [], stateValue } = guard as CombinedGuard;
    if (stateValue !== undefined) return `in ${JSON.stringify(stateValue)}`;
    const texts = guards.map(guardText);
    return name === "not" ? `not ${texts.join()}` : texts.join(` ${name} `);
  }
  if (typeof guard !== "object" || guard === null || !("type" in guard)) return "";
  const { type, params } = guard as { type: string; params?: unknown };
  return typeof params === "string" ? `${type} ${params}` : type;
}

/** The conditions that a guard is made of, each as it is written: `overdueForProbe`, `not held`. */
export function conditionsOf(guard: unknown): unknown[] {
  if (guard === undefined) return [];
  const { name, guards } = guard as CombinedGuard;
  const isCombined = typeof guard === "function" && guards && name !== "not";
  return isCombined ? guards.flatMap(conditionsOf) : [guard];
}

/** A transition's names, as explanations give them. */
export interface TransitionNames {
  readonly guard: string;
  readonly from: string;
  readonly to: string;
}

const names = new WeakMap<object, TransitionNames>();

export function namesOf(transition: {
  readonly source: { readonly id: string };
  readonly target?: readonly { readonly id: string }[] | undefined;
  readonly guard?: unknown;
}): TransitionNames {
  let known = names.get(transition);
  if (!known) {
    const { guard, source, target } = transition;
    const to = target?.map(({ id }) => id).join(" ") ?? "";
    names.set(transition, (known = { guard: guardText(guard), from: source.id, to }));
  }
  return known;
}

export type GuardCheck = (snapshot: AnyMachineSnapshot, event: AnyEventObject) => boolean;

/** Asks the guard itself. A name may stand for others or for a state: they are asked by XState's own way of doing so. */
export function guardCheck(guard: unknown): GuardCheck {
  if (guard === undefined) return () => true;
  const both = and([guard as string]) as unknown as BuiltGuard;
  const { type, params } = (typeof guard === "object" ? guard : { type: guard }) as {
    type: string;
    params?: unknown;
  };
  return (snapshot, event) => {
    const args = { context: snapshot.context as unknown, event };
    const named = (snapshot.machine as AnyStateMachine).implementations.guards[type] as unknown;
    const isPlain =
      typeof named === "function" && !("check" in named) && typeof params !== "function";
    return isPlain
      ? Boolean((named as PlainGuard)(args, params))
      : both.check(snapshot, args, both);
  };
}

type PlainGuard = (args: object, params: unknown) => unknown;

/** What XState's own guards are made of. */
interface BuiltGuard {
  readonly guards: readonly unknown[];
  check(snapshot: unknown, args: object, guard: unknown): boolean;
}

export function guardHolds(
  snapshot: AnyMachineSnapshot,
  guard: unknown,
  event: AnyEventObject,
): boolean {
  return guardCheck(guard)(snapshot, event);
}
