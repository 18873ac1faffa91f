import type { Mutant } from "../mutants.ts";

const GUARDS = "src/machines/worker/worker.guards.ts";

/**
 * What is passed over without asking a chart, with a condition cut. Those whose absence no seed of the budget notices are held by
 * `test/machines/core/tells-nothing.property.test.ts`, which notices each.
 */
export const SHORTCUT_MUTANTS: readonly Mutant[] = [
  cut(
    "passed-over-while-booting",
    "a probe tells of a worker that boots",
    '(value.lifecycle === "idle" || value.lifecycle === "running") &&\n    ',
  ),
  cut(
    "passed-over-though-overlong",
    "a worker may name too many processes",
    "reportedCount === undefined &&\n    ",
  ),
  cut(
    "passed-over-with-processes",
    "a probe tells of processes",
    " &&\n    isAsListed(processes, containerIds)",
  ),
  cut(
    "passed-over-while-ending",
    "a list shows what was to be destroyed",
    'lifecycle !== "shutdown" &&\n    ',
  ),
];

function cut(name: string, net: string, find: string): Mutant {
  return { name, net, file: GUARDS, find, replace: "" };
}
