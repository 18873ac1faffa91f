import type { AnyEventObject, AnyMachineSnapshot, AnyStateMachine, AnyStateNode } from "xstate";
import type { StateValue } from "xstate";
import { firstPassage, passage, valueOf } from "./move.ts";
import type { Passage, PreparedAction } from "./move.ts";
import { eventlessOf, select, selectorOf } from "./selector.ts";
import type { Candidate, Selector, Transition } from "./selector.ts";

/** What a set of transitions does: its actions in their order, and the states that it leads to. */
export interface Move {
  readonly actions: readonly PreparedAction[];
  readonly to: Configuration;
}

/** A set of states that a chart can be in. There are few, so that what does not depend on the context is worked out once. */
export class Configuration {
  /** A snapshot, but for the context. */
  readonly template: AnyMachineSnapshot;
  readonly #chart: Chart;
  readonly #selectors = new Map<string, Selector | undefined>();
  readonly #eventless: readonly (readonly Candidate[])[];
  readonly #moves = new Map<Transition | string, Move | null>();

  constructor(chart: Chart, template: AnyMachineSnapshot) {
    this.#chart = chart;
    this.template = template;
    this.#eventless = eventlessOf(template._nodes as AnyStateNode[]);
  }

  /** Empty: the event takes none. */
  select(snapshot: AnyMachineSnapshot, event: AnyEventObject): readonly Transition[] {
    const { type } = event;
    if (!this.#selectors.has(type))
      this.#selectors.set(type, this.#chart.selectorOf(this.template, type));
    const selector = this.#selectors.get(type);
    return selector ? select(selector, snapshot, event) : [];
  }

  selectEventless(snapshot: AnyMachineSnapshot, event: AnyEventObject): readonly Transition[] {
    const taken = new Set<Transition>();
    for (const candidates of this.#eventless) {
      const first = candidates.find(({ holds }) => holds(snapshot, event));
      if (first) taken.add(first.transition);
    }
    return [...taken];
  }

  /** Null: XState has to work it out. */
  move(transitions: readonly Transition[]): Move | null {
    const [first] = transitions as [Transition];
    const key = transitions.length === 1 ? first : this.#chart.keyOf(transitions);
    let move = this.#moves.get(key);
    if (move === undefined) this.#moves.set(key, (move = this.#chart.move(this, transitions)));
    return move;
  }
}

/** A machine as its step needs it. What it does not know of a chart, it leaves to XState. */
export class Chart {
  readonly #machine: AnyStateMachine;
  readonly #root: AnyStateNode;
  readonly #byNodes = new Map<unknown, Configuration>();
  readonly #byValue = new Map<string, Configuration>();
  readonly #numbers = new Map<Transition, number>();
  /** Into its first states. */
  readonly first: Move | null;
  /** No state of it remembers, calls others, or waits for events by a pattern. */
  readonly isPlain: boolean;

  constructor(machine: AnyStateMachine) {
    this.#machine = machine;
    this.#root = machine.root as AnyStateNode;
    this.isPlain = isPlain(this.#root);
    this.first = this.isPlain ? this.#moveAlong(firstPassage(machine), {}) : null;
  }

  configurationOf({ _nodes, value }: AnyMachineSnapshot): Configuration {
    return this.#byNodes.get(_nodes) ?? this.#configuration(value as StateValue);
  }

  selectorOf({ value }: AnyMachineSnapshot, eventType: string): Selector | undefined {
    return selectorOf(this.#root, value as StateValue, eventType);
  }

  move(from: Configuration, transitions: readonly Transition[]): Move | null {
    const { template } = from;
    const way = passage(this.#machine, template._nodes as AnyStateNode[], transitions);
    return this.#moveAlong(way, template.value as StateValue);
  }

  #moveAlong(way: Passage | null, before: StateValue): Move | null {
    if (!way) return null;
    const to = this.#configuration(valueOf(this.#root, way.active, before));
    return { actions: way.actions, to };
  }

  #configuration(value: StateValue): Configuration {
    const key = JSON.stringify(value);
    let configuration = this.#byValue.get(key);
    if (!configuration) {
      const resolved = this.#machine.resolveState({ value } as never);
      configuration = new Configuration(this, { ...resolved, value } as AnyMachineSnapshot);
      this.#byValue.set(key, configuration);
      this.#byNodes.set(resolved._nodes, configuration);
    }
    return configuration;
  }

  keyOf(transitions: readonly Transition[]): string {
    return transitions.map((transition) => this.#numberOf(transition)).join();
  }

  #numberOf(transition: Transition): number {
    const number = this.#numbers.get(transition) ?? this.#numbers.size;
    this.#numbers.set(transition, number);
    return number;
  }
}

function isPlain({ type, transitions, invoke, states }: AnyStateNode): boolean {
  const hasPattern = [...transitions.keys()].some((descriptor) => descriptor.includes("*"));
  if (type === "history" || hasPattern || invoke.length > 0) return false;
  return Object.values(states).every(isPlain);
}
