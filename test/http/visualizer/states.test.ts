import { readFile } from "node:fs/promises";
import { expect, it } from "vitest";
import { toneOf } from "../../../src/http/visualizer/history/state-tone.ts";
import { STATE_MARKS, WORKER_STATES } from "../../../src/http/visualizer/ui/states.ts";
import { lifecycleSchema } from "../../../src/http/wire/worker.ts";
import { workerMachine } from "../../../src/machines/worker/worker.machine.ts";

const states = Object.keys(workerMachine.root.states["lifecycle"]?.states ?? {});
const tokens = await readFile(
  new URL("../../../src/http/visualizer/styles/tokens.css", import.meta.url),
  "utf8",
);

it("the page knows each state of a worker", () => {
  expect([...lifecycleSchema.options].sort()).toEqual([...states].sort());
  expect([...WORKER_STATES].sort()).toEqual([...states].sort());
});

it.each(WORKER_STATES)("%s has a letter of its own, and a colour", (state) => {
  const letters = Object.values(STATE_MARKS).map(({ letter }) => letter);
  expect(letters.filter((letter) => letter === STATE_MARKS[state].letter)).toHaveLength(1);
  expect(toneOf(state)).toBe(`s-${state}`);
  expect(tokens).toContain(`  --s-${state}: light-dark(`);
  expect(tokens).toContain(`.s-${state} {\n  --c: var(--s-${state});\n}`);
});
