import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, StateValue } from "xstate";
import { guardCheck, guardText } from "./transitions.ts";
import type { GuardCheck } from "./transitions.ts";

export type Transition = NonNullable<AnyStateNode["always"]>[number];

/** What an action asks for, or what it makes of the context. */
export interface PreparedAction {
  readonly type: string;
  /** A function of context and event, or data. */
  readonly params: unknown;
  readonly assign: Assign | undefined;
}
export type Assign = (context: object, args: object, params: unknown) => object;

/** What a set of transitions does: its actions in their order, and the states that it leads to. */
export interface Move {
  readonly actions: readonly PreparedAction[];
  readonly to: Configuration;
}

/** A transition's names, as explanations give them. */
export interface TransitionNames {
  readonly guard: string;
  readonly from: string;
  readonly to: string;
}

/** A transition that is taken without an event, as soon as its guard holds. */
interface Eventless {
  readonly transition: Transition;
  readonly holds: GuardCheck;
}

/** A set of states that a chart can be in. There are few, so that what does not depend on the context is worked out once. */
export class Configuration {
  /** The parts of a snapshot that depend on nothing else. */
  readonly parts: Pick<AnyMachineSnapshot, "_nodes" | "value" | "tags">;
  /** Of each innermost state, outwards: the first that holds is taken. */
  readonly #eventless: readonly (readonly Eventless[])[];
  readonly #chart: Chart;
  /** Null: XState has to work it out. */
  readonly #moves = new Map<Transition | string, Move | null>();

  constructor(chart: Chart, parts: Configuration["parts"]) {
    this.#chart = chart;
    this.parts = parts;
    this.#eventless = (parts._nodes as AnyStateNode[])
      .filter(({ type }) => type === "atomic" || type === "final")
      .map((node) => [node, ...outside(node)].flatMap(eventlessOf))
      .filter((candidates) => candidates.length > 0);
  }

  eventless(snapshot: AnyMachineSnapshot, event: { type: string }): Transition[] {
    const taken: Transition[] = [];
    for (const candidates of this.#eventless) {
      const first = candidates.find(({ holds }) => holds(snapshot, event));
      if (first) taken.push(first.transition);
    }
    return taken;
  }

  move(transitions: readonly Transition[]): Move | null {
    const [first] = transitions as [Transition];
    const key = transitions.length === 1 ? first : this.#chart.keyOf(transitions);
    let move = this.#moves.get(key);
    if (move === undefined) this.#moves.set(key, (move = this.#chart.moveFrom(this, transitions)));
    return move;
  }
}

/** A machine as its step needs it. What it does not know of a chart, it leaves to XState. */
export class Chart {
  readonly #machine: AnyStateMachine;
  readonly #byNodes = new Map<unknown, Configuration>();
  readonly #byValue = new Map<string, Configuration>();
  readonly #numbers = new Map<Transition, number>();
  readonly #names = new Map<Transition, TransitionNames>();

  constructor(machine: AnyStateMachine) {
    this.#machine = machine;
  }

  configurationOf({ _nodes, value }: AnyMachineSnapshot): Configuration {
    return this.#byNodes.get(_nodes) ?? this.#configuration(value as StateValue);
  }

  namesOf(transition: Transition): TransitionNames {
    let names = this.#names.get(transition);
    if (!names) {
      const { guard, source, target } = transition;
      const to = target?.map(({ id }) => id).join(" ") ?? "";
      this.#names.set(transition, (names = { guard: guardText(guard), from: source.id, to }));
    }
    return names;
  }

  keyOf(transitions: readonly Transition[]): string {
    return transitions.map((transition) => this.#numberOf(transition)).join();
  }

  #numberOf(transition: Transition): number {
    const number = this.#numbers.get(transition) ?? this.#numbers.size;
    this.#numbers.set(transition, number);
    return number;
  }

  #configuration(value: StateValue): Configuration {
    const key = JSON.stringify(value);
    let configuration = this.#byValue.get(key);
    if (!configuration) {
      const { _nodes, tags } = this.#machine.resolveState({ value } as never);
      configuration = new Configuration(this, { _nodes, tags, value });
      this.#byValue.set(key, configuration);
      this.#byNodes.set(_nodes, configuration);
    }
    return configuration;
  }

  /** XState's algorithm (that of SCXML), for charts without history, invokes and states that end the chart. */
  moveFrom(from: Configuration, transitions: readonly Transition[]): Move | null {
    const active = new Set(from.parts._nodes as AnyStateNode[]);
    const exited: AnyStateNode[] = [];
    const entered: AnyStateNode[] = [];
    for (const transition of transitions) {
      if (!takeTransition(transition, { active, exited, entered })) return null;
    }
    if (![...exited, ...entered].every(isPlain)) return null;
    const actions = [
      ...exited.sort((a, b) => b.order - a.order).flatMap(({ exit }) => exit),
      ...transitions.flatMap((transition) => transition.actions),
      ...entered.sort((a, b) => a.order - b.order).flatMap(({ entry }) => entry),
    ].map((action) => prepare(this.#machine, action));
    if (!actions.every((action) => action !== null)) return null;
    for (const node of exited) active.delete(node);
    for (const node of entered) active.add(node);
    const before = from.parts.value as StateValue;
    const to = this.#configuration(valueOf(this.#machine.root as AnyStateNode, active, before));
    return { actions, to };
  }
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
  if (above.some(({ type }) => type === "parallel")) return false;
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
function isPlain(node: AnyStateNode): boolean {
  const { type, invoke, states } = node;
  if (type === "final" || type === "parallel" || type === "history") return false;
  const hasHistory = Object.values(states).some((child) => child.type === "history");
  const hasFirstActions = type === "compound" && node.initial.actions.length > 0;
  return !hasHistory && !hasFirstActions && invoke.length === 0;
}

/** All around a state, outwards. */
function outside({ parent }: AnyStateNode): AnyStateNode[] {
  return parent ? [parent as AnyStateNode, ...outside(parent as AnyStateNode)] : [];
}

function isWithin(node: AnyStateNode, outer: AnyStateNode): boolean {
  return outside(node).includes(outer);
}

function eventlessOf({ always = [] }: AnyStateNode): Eventless[] {
  return always.map((transition) => ({ transition, holds: guardCheck(transition.guard) }));
}

/** As a snapshot tells the states that are active; regions are in the order that they were in. */
function valueOf(
  node: AnyStateNode,
  active: ReadonlySet<AnyStateNode>,
  before: StateValue,
): StateValue {
  if (node.type === "parallel") {
    const regions = Object.entries(before as Record<string, StateValue>);
    return Object.fromEntries(
      regions.map(([key, inner]) => [
        key,
        valueOf(node.states[key] as AnyStateNode, active, inner),
      ]),
    );
  }
  const [child] = Object.values(node.states).filter((inner) => active.has(inner));
  if (!child) return {};
  if (Object.keys(child.states).length === 0) return child.key;
  const inner = (before as Record<string, StateValue>)[child.key] ?? {};
  return { [child.key]: valueOf(child, active, inner) };
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
