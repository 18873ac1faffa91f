import fc from "fast-check";
import { assign, createMachine, getInitialSnapshot, transition } from "xstate";
import type { AnyMachineSnapshot, AnyStateMachine } from "xstate";
import { describe, expect, it, vi } from "vitest";
import { Chart } from "../../../src/machines/chart/chart.ts";
import type * as Stepping from "../../../src/machines/step.ts";
import { start, step, store } from "../../../src/machines/step.ts";
import { FactMachine, opArbitrary } from "../../support/fact-machine.ts";

let stepsCount = 0;
let movesCount = 0;

vi.mock("../../../src/machines/step.ts", async (importActual) => {
  const actual = await importActual<typeof Stepping>();
  return { ...actual, step: (...args: Parameters<typeof actual.step>) => checked(actual, args) };
});

/** Every step that is taken, beside XState's own. */
function checked(
  actual: typeof Stepping,
  [machine, snapshot, event]: Parameters<typeof actual.step>,
): unknown {
  const own = actual.step(machine, snapshot, event);
  const [next, actions] = transition(machine, snapshot, event as never);
  const asked = (type: string): unknown[] =>
    actions
      .filter((action) => action.type === type)
      .flatMap(({ params }) => params as unknown as unknown[]);
  const told = JSON.stringify([store(own.snapshot), own.commands, own.notices]);
  expect(told).toBe(JSON.stringify([store(next), asked("commands"), asked("notices")]));
  expect(own.snapshot === snapshot).toBe(next === snapshot);
  expect(own.snapshot.status).toBe(next.status);
  stepsCount++;
  if (own.transitions.length > 0) movesCount++;
  return own;
}

/** Each with a "go", and whether what it does can be worked out once for all snapshots. */
interface Notes {
  readonly context: { readonly notes: readonly string[] };
}

const CHARTS: [string, boolean, object][] = [
  ["a move", true, { initial: "a", states: { a: { on: { go: "b" } }, b: {} } }],
  [
    "a move in and out, with all the actions on the way",
    true,
    {
      initial: "a",
      states: {
        a: { initial: "b", exit: note("leave a"), states: { b: { exit: note("leave b") } } },
        c: {
          entry: note("enter c"),
          initial: "d",
          states: { d: { entry: note("enter d"), always: "e" }, e: { entry: note("enter e") } },
        },
      },
      on: { go: { target: ".c", actions: note("go") } },
    },
  ],
  ["a move to oneself", true, { initial: "a", states: { a: { on: { go: "a" } } } }],
  [
    "a move to oneself that starts anew within",
    true,
    {
      initial: "a",
      states: {
        a: {
          id: "a",
          initial: "b",
          entry: note("enter a"),
          states: { b: { entry: note("enter b"), exit: note("leave b") }, c: {} },
          on: { go: "#a" },
        },
      },
    },
  ],
  [
    "moves of two regions",
    true,
    {
      type: "parallel",
      states: {
        one: { initial: "a", states: { a: { on: { go: "b" } }, b: { entry: note("one") } } },
        two: { initial: "a", states: { a: { on: { go: "b" } }, b: { entry: note("two") } } },
      },
    },
  ],
  [
    "a move to oneself by way of outside",
    false,
    {
      initial: "a",
      states: { a: { entry: note("a"), on: { go: { target: "a", reenter: true } } } },
    },
  ],
  [
    "a move to an end",
    false,
    { initial: "a", states: { a: { on: { go: "b" } }, b: { type: "final" } } },
  ],
  [
    "a move from one region to another",
    false,
    {
      type: "parallel",
      states: {
        one: { initial: "a", states: { a: { on: { go: "#there" } }, b: {} } },
        two: { initial: "a", states: { a: {}, b: { id: "there", entry: note("there") } } },
      },
    },
  ],
  [
    "two moves that both leave a state",
    false,
    {
      initial: "both",
      states: {
        both: {
          type: "parallel",
          states: {
            one: { initial: "a", states: { a: { on: { go: "#c" } } } },
            two: { initial: "a", states: { a: { on: { go: "#d" } } } },
          },
        },
        c: { id: "c", entry: note("c") },
        d: { id: "d", entry: note("d") },
      },
    },
  ],
  [
    "a move to where it was",
    false,
    {
      initial: "a",
      states: {
        a: { on: { go: "b.was" } },
        b: { initial: "c", states: { c: {}, was: { type: "history" } } },
      },
    },
  ],
  ["any event", false, { initial: "a", states: { a: { on: { "*": "b" } }, b: {} } }],
  [
    "what needs no event, in every state",
    true,
    {
      initial: "a",
      always: {
        guard: ({ context }: Notes) => context.notes.length === 1,
        actions: note("always"),
      },
      states: { a: { on: { go: { target: "b", actions: note("go") } } }, b: {} },
    },
  ],
  [
    "first states with actions, and none of which is the last",
    true,
    {
      entry: note("root"),
      initial: "a",
      states: { a: { entry: note("a"), always: "b" }, b: { on: { go: "a" } } },
    },
  ],
  [
    "a move into all regions of a state",
    false,
    {
      initial: "a",
      states: {
        a: { on: { go: "b" } },
        b: { type: "parallel", states: { c: { entry: note("c") }, d: { entry: note("d") } } },
      },
    },
  ],
];

/** Remembers, in order, that it was taken. */
function note(what: string): unknown {
  return { type: "note", params: what };
}

function machineOf(config: object): AnyStateMachine {
  const take = assign(({ context }: { context: { notes: string[] } }, what: string) => ({
    notes: [...context.notes, what],
  }));
  return createMachine({ context: { notes: [] }, ...config } as never, {
    actions: { note: take } as never,
  }) as AnyStateMachine;
}

describe("a step of a chart", () => {
  it("comes to what XState's comes to, whatever the facts are", () => {
    fc.assert(
      fc.property(fc.array(opArbitrary, { minLength: 20, maxLength: 150, size: "max" }), (ops) => {
        const machine = new FactMachine();
        for (const op of ops) for (const fact of machine.facts(op)) machine.give(fact);
      }),
      { numRuns: 100, seed: 20_261_128 },
    );
    expect(stepsCount).toBeGreaterThan(5_000);
    expect(movesCount).toBeGreaterThan(2_000);
  });

  it.each(CHARTS)("comes to what XState's comes to: %s", (_name, isKnown, config) => {
    const machine = machineOf(config);
    const { snapshot: first } = start(machine, undefined as never);
    expect(JSON.stringify(store(first))).toBe(JSON.stringify(store(getInitialSnapshot(machine))));
    expect(isWorkedOut(machine, first)).toBe(isKnown);
    const { snapshot } = step(machine, first, { type: "go" });
    step(machine, snapshot, { type: "go" });
  });
});

/** Whether a "go" is worked out once for all snapshots, or left to XState. */
function isWorkedOut(machine: AnyStateMachine, snapshot: AnyMachineSnapshot): boolean {
  const chart = new Chart(machine);
  const configuration = chart.configurationOf(snapshot);
  const chosen = configuration.select(snapshot, { type: "go" });
  return chart.isPlain && configuration.move(chosen) !== null;
}
