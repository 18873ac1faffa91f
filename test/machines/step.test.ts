import {
  assign,
  cancel,
  createActor,
  createMachine,
  emit,
  enqueueActions,
  fromPromise,
} from "xstate";
import { log, raise, sendTo, setup, spawnChild, stopChild } from "xstate";
import type { AnyStateMachine } from "xstate";
import { describe, expect, it } from "vitest";
import { containerMachine } from "../../src/machines/container/container.machine.ts";
import { restore, start, step, store } from "../../src/machines/step.ts";
import { workerMachine } from "../../src/machines/worker/worker.machine.ts";

/** Two states; on "go", the actions given. */
function withActions(actions: unknown): AnyStateMachine {
  const config = {
    id: "smuggler",
    context: { count: 0 },
    initial: "a",
    on: { raised: { actions: assign({ count: 99 }) } },
    states: { a: { on: { go: { target: "b", actions } } }, b: {} },
  };
  return createMachine(config as never) as AnyStateMachine;
}

function go(machine: AnyStateMachine): unknown {
  const born = start(machine, undefined as never);
  return step(machine, born.snapshot as never, { type: "go" });
}

const child = fromPromise(() => Promise.resolve(1));
const sideEffect = (): void => {};

const SMUGGLED: [string, unknown][] = [
  ["an inline action", sideEffect],
  ["an inline action that calls itself commands", function commands() {}],
  ["a named action nobody knows", "nobodyKnowsIt"],
  ["a command without its data", { type: "commands" }],
  ["a delayed raise", raise({ type: "raised" }, { delay: 10 })],
  ["a raise delayed by nothing", raise({ type: "raised" }, { delay: 0 })],
  ["a send to an actor", sendTo({ sessionId: "other" } as never, { type: "raised" } as never)],
  ["a cancel", cancel("timer")],
  ["an emitted event", emit({ type: "raised" })],
  ["a log line", log("hello")],
  ["a spawned child", spawnChild(child, { id: "child" })],
  ["a stopped child", stopChild("child")],
  [
    "a child spawned while assigning",
    assign({ count: ({ spawn }: never) => (spawn as (logic: unknown) => number)(child) }),
  ],
  ["an action put in a queue", enqueueActions(({ enqueue }) => enqueue(sideEffect))],
];

describe("step", () => {
  it.each(SMUGGLED)("refuses %s", (_name, actions) => {
    expect(() => go(withActions(actions))).toThrow(/may only ask for commands and notices/);
  });

  it("refuses an after", () => {
    const machine = createMachine({
      initial: "a",
      states: { a: { on: { go: "b" } }, b: { after: { 1000: "a" } } },
    });
    expect(() => go(machine)).toThrow(/not xstate.raise/);
    const atOnce = createMachine({ initial: "a", states: { a: { after: { 1000: "b" } }, b: {} } });
    expect(() => start(atOnce, undefined as never)).toThrow(/may only ask/);
  });

  it("refuses an invoke", () => {
    const machine = createMachine({
      initial: "a",
      states: { a: { on: { go: "b" } }, b: { invoke: { src: child } } },
    });
    expect(() => go(machine)).toThrow(/may only ask/);
  });

  it("refuses a child spawned in the first context", () => {
    const machine = createMachine({ context: ({ spawn }) => ({ child: spawn(child) }) });
    expect(() => start(machine, undefined as never)).toThrow(/may only ask/);
  });

  it("takes an undelayed raise within the same step", () => {
    const { snapshot } = go(withActions(raise({ type: "raised" }))) as {
      snapshot: { value: unknown; context: unknown };
    };
    expect([snapshot.value, snapshot.context]).toEqual(["b", { count: 99 }]);
  });

  it("passes on what a machine throws, and works on as if nothing had been", () => {
    const machine = setup({
      actions: { commands: (_, _drafts: unknown[]) => {} },
      guards: {
        throws: () => {
          throw new Error("broken guard");
        },
      },
    }).createMachine({
      initial: "a",
      states: {
        a: {
          on: {
            bad: { guard: "throws", target: "b" },
            half: { target: "b", actions: [{ type: "commands", params: [1] }, "unknown" as never] },
            go: { target: "b", actions: { type: "commands", params: [2] } },
          },
        },
        b: {},
      },
    });
    const { snapshot } = start(machine, undefined as never);
    expect(() => step(machine, snapshot, { type: "bad" })).toThrow(/broken guard/);
    expect(() => step(machine, snapshot, { type: "half" })).toThrow(/may only ask/);
    expect(step(machine, snapshot, { type: "go" }).commands).toEqual([2]);
    expect(snapshot.value).toBe("a");
  });

  it("ends a machine that goes in circles, instead of the daemon", () => {
    const machine = createMachine({
      initial: "a",
      states: { a: { on: { go: "b" } }, b: { always: "c" }, c: { always: "b" } },
    });
    expect(() => go(machine)).toThrow(/circles/);
  });

  it("returns the very same snapshot for an event that changes nothing", () => {
    const machine = withActions([]);
    const { snapshot } = start(machine, undefined as never);
    expect(step(machine, snapshot as never, { type: "else" }).snapshot).toBe(snapshot);
  });

  it("names the transitions that were taken, with their guards", () => {
    const machine = setup({
      guards: { always: () => true, never: (_, _n: number) => false },
    }).createMachine({
      id: "m",
      initial: "a",
      states: {
        a: {
          on: {
            go: [
              { guard: { type: "never", params: 1 }, target: "c" },
              { guard: "always", target: "b" },
            ],
          },
        },
        b: { always: "c" },
        c: {},
      },
    });
    const { snapshot } = start(machine, undefined as never);
    expect(step(machine, snapshot, { type: "go" }).transitions).toEqual([
      { event: "go", guard: "always", from: "m.a", to: "m.b" },
      { event: "go", guard: "", from: "m.b", to: "m.c" },
    ]);
  });

  it("gives the same results to machines that have been stored and restored", () => {
    const input = {
      workerId: "w",
      atMs: 1,
      seq: 1,
      instanceType: "t",
      providerType: "p",
      found: null,
    };
    const { snapshot } = start(workerMachine, input);
    const text = JSON.stringify(store(snapshot));
    const again = restore(workerMachine, JSON.parse(text));
    expect(JSON.stringify(store(again))).toBe(text);
    expect(again.matches({ lifecycle: "creating", idleBehavior: "run" })).toBe(true);
  });
});

describe("the charts under a real actor", () => {
  it("run in an inspector as they do in the core", () => {
    const input = {
      workerId: "w",
      atMs: 1,
      seq: 1,
      instanceType: "t",
      providerType: "p",
      found: null,
    };
    const seen: string[] = [];
    const inspect = (event: { type: string }): void => void seen.push(event.type);
    const actor = createActor(workerMachine, { input, inspect }).start();
    const event = {
      type: "create.succeeded",
      atMs: 2,
      seq: 2,
      settings: {} as never,
      commandId: "w",
      workerId: "w",
      instanceId: "i-1",
      address: "",
    } as const;
    actor.send(event);
    const born = start(workerMachine, input);
    const { snapshot } = step(workerMachine, born.snapshot, event);
    expect(store(actor.getSnapshot())).toEqual(store(snapshot));
    expect(seen).toContain("@xstate.microstep");
    actor.stop();
    const container = createActor(containerMachine, {
      input: { containerId: "c", atMs: 1, seq: 1 },
    }).start();
    expect(container.getSnapshot().value.record).toBe("unlisted");
    container.stop();
  });
});
