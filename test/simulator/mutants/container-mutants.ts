import type { Mutant } from "../mutants.ts";

const CONTAINER = "src/machines/container/container.machine.ts";
const CONTAINER_GUARDS = "src/machines/container/container.guards.ts";
const ROUTE = "src/machines/core/route.ts";
const SETTLE = "src/machines/planner/settle.ts";

/** Of the chart of a container, of how facts reach the charts, and of what brings queue and workers into line. */
export const CONTAINER_MUTANTS: readonly Mutant[] = [
  {
    name: "old-poll-believed",
    net: "a poll begun before our last call judges nothing",
    file: CONTAINER_GUARDS,
    find: "return event.basedOnSeq >= context.updatedSeq;",
    replace: "return event.basedOnSeq >= 0 && context !== undefined;",
  },
  {
    name: "call-lost-at-restart",
    net: "a call in flight at a crash is doubted, not waited for",
    file: CONTAINER,
    find: '"daemon.started": { target: "none", actions: "doubt" },',
    replace: "",
  },
  {
    name: "no-retry",
    net: "a failed call may be tried again",
    file: CONTAINER,
    find: '"clock.ticked": { guard: "retryDue", target: "none", actions: "endPause" },',
    replace: "",
  },
  {
    name: "two-workers-one-instance",
    net: "an instance that a list showed first is not also the create's",
    file: ROUTE,
    find: "if (creating && known !== undefined)",
    replace: "if (creating && known === `${instanceId} of another cloud`)",
  },
  {
    name: "not-adopted",
    net: "an instance of ours that nobody knows is adopted",
    file: ROUTE,
    find: "  adopt(draft, fact);\n}\n\n/** An instance of our set",
    replace: "  if (fact.instanceId === '') adopt(draft, fact);\n}\n\n/** An instance of our set",
  },
  {
    name: "judged-by-old-record",
    net: "an exit is judged by a record that is newer",
    file: SETTLE,
    find: "const endedBefore = exitedAt !== null && exitedAt < queueUpdatedAt;",
    replace: "const endedBefore = exitedAt !== null;",
  },
  {
    name: "cancelled-while-unknown",
    net: "what runs may be on a worker that nobody has asked yet",
    file: SETTLE,
    find: "if (anyUnknown) return false;",
    replace: "",
    also: [
      {
        file: "src/machines/core/view.ts",
        find: "if (answeredSeq === undefined) return () => true;",
        replace: "if (answeredSeq !== -1) return () => true;",
      },
    ],
  },
  {
    name: "unwanted-kept",
    net: "what is not wanted any more is ended",
    file: SETTLE,
    find: 'return unwanted ? { do: "kill", container, reason: "priority=0" } : undefined;',
    replace: "return undefined;",
  },
  {
    name: "cancelled-runs-on",
    net: "a process of what an operator cancels is ended",
    file: ROUTE,
    find: `      draft.deliver("container", fact.containerId, fact);
      killAsAsked(draft`,
    replace: `      draft.deliver("container", fact.containerId, fact);
      if (fact.containerId === "") killAsAsked(draft`,
    also: [
      {
        file: "src/machines/planner/reconcile.ts",
        find: "return [...decisions, ...kills];",
        replace: "return kills.length < 0 ? [] : decisions;",
      },
    ],
  },
  {
    name: "late-unlock",
    net: "nothing is started before an unlock without an answer can arrive no more",
    file: "src/machines/container/container.assigns.ts",
    find: "const pauseMs = mayArriveYet ? Math.max(retryMs, LATE_CALL_MS) : retryMs;",
    replace: "const pauseMs = mayArriveYet ? Math.min(retryMs, LATE_CALL_MS) : retryMs;",
  },
  {
    name: "late-lock",
    net: "nothing is decided before a lock without an answer has arrived, or can arrive no more",
    file: "src/machines/container/container.assigns.ts",
    find: 'const mayArriveYet = event.operation !== "cancel" &&',
    replace: 'const mayArriveYet = event.operation === "unlock" &&',
  },
  {
    name: "failed-call-at-once",
    net: "a failed call is not tried again at once",
    file: CONTAINER,
    find: '"operation.failed": { target: "pausing", actions: "rememberFailure" },',
    replace: '"operation.failed": { target: "none", actions: "rememberFailure" },',
  },
  {
    name: "exit-forgotten",
    net: "an exit is not forgotten before a newer record is read",
    file: CONTAINER,
    find: '"kill.decided": { guard: not("awaitsRecord"), target: "absent", actions: "forgetExit" },',
    replace: '"kill.decided": { target: "absent", actions: "forgetExit" },',
  },
  {
    name: "old-choice",
    net: "types are chosen anew by the config of a start",
    file: CONTAINER,
    find: '"daemon.started": { guard: "choiceChanged", actions: "takeChoice" },',
    replace: "",
  },
  {
    name: "found-and-gone",
    net: "a container is not judged by a poll from before the newest instance was found",
    file: "src/machines/core/view.ts",
    find: "const isComplete = settled && foundSeq <= polledSeq;",
    replace: "const isComplete = settled && foundSeq >= 0;",
  },
];
