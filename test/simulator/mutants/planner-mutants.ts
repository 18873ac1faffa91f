import type { Mutant } from "../mutants.ts";

const PLANNING = "src/machines/core/planning.ts";
const VIEW = "src/machines/core/view.ts";

/** Of what the planner may see and decide, and of the limits that it keeps to. */
export const PLANNER_MUTANTS: readonly Mutant[] = [
  {
    name: "stale-locks-at-once",
    net: "locks are not judged before every worker has answered",
    file: PLANNING,
    find: "if (anyUnknown && stale.length > 0 && !timeIsUp)",
    replace: "if (anyUnknown && stale.length < 0 && !timeIsUp)",
  },
  {
    name: "stale-locks-kept",
    net: "locks of an earlier run that nobody answers for are given back",
    file: PLANNING,
    find: "return [finish, ...locksGivenUp(stale, waited || timeIsUp)];",
    replace: "return [finish];",
  },
  {
    name: "started-while-running",
    net: "what has a process is not started again",
    file: "src/machines/planner/plan-queue.ts",
    find: "const group = groupOf(container.state, process !== undefined);",
    replace:
      'const group = groupOf(container.state, process !== undefined && container.state !== "Locked");',
  },
  {
    name: "busy-with-a-call",
    net: "nothing is decided about a container while a call for it is in flight",
    file: VIEW,
    find: 'busy: value.operation !== "none",',
    replace: "busy: false,",
  },
  {
    name: "no-limit",
    net: "MaxInstances holds",
    file: VIEW,
    find: "instancesMax: settings.maxInstances > 0 ? settings.maxInstances : null,",
    replace: "instancesMax: null,",
  },
  {
    name: "creates-at-once",
    net: "MaxConcurrentInstanceCreateOps holds",
    file: VIEW,
    find: "return max > 0 ? Math.max(0, max - creatingCount) : null;",
    replace: "return max > 0 && creatingCount < 0 ? 0 : null;",
  },
  {
    name: "rate-limit-ignored",
    net: "a rate limit is kept to",
    file: "src/machines/limits/throttle.machine.ts",
    find: "untilMs: Math.max(context.untilMs ?? 0, event.retryAtMs ?? event.atMs + pauseMs),",
    replace: "untilMs: event.atMs + pauseMs,",
  },
  {
    name: "quota-ignored",
    net: "a used-up quota is not asked again before there are fewer instances",
    file: VIEW,
    find: 'atQuota: registry.get("quota", ONLY)?.value !== "open",',
    replace: "atQuota: false,",
  },
  {
    name: "capacity-ignored",
    net: "a type without capacity is left alone for a while",
    file: VIEW,
    find: 'return keys.some((key) => registry.get("capacity", key) !== undefined);',
    replace: 'return keys.some((key) => registry.get("capacity", key) === null);',
  },
  {
    name: "decides-before-list",
    net: "nothing is decided before a list and a poll of this run",
    file: PLANNING,
    find: "const known = supervisor?.context.listed === true && supervisor.context.polled;",
    replace: "const known = supervisor?.context.polled === true;",
  },
  {
    name: "decides-before-poll",
    net: "nothing is decided before a poll of this run",
    file: PLANNING,
    find: "const known = supervisor?.context.listed === true && supervisor.context.polled;",
    replace: "const known = supervisor?.context.listed === true;",
  },
  {
    name: "packed-beyond-room",
    net: "an instance gets no more than it has",
    file: "src/machines/instance-types/packing.ts",
    find: "room.vcpus >= need.vcpus &&",
    replace: "room.vcpus + 1 >= need.vcpus &&",
  },
  {
    name: "cancelled-started",
    net: "what an operator cancels is not started any more",
    file: VIEW,
    find: 'if (value.record === "unlisted" || rejectionOf({ value, context }) !== "") return undefined;',
    replace: 'if (value.record === "unlisted") return undefined;',
  },
  {
    name: "cancelled-though-running",
    net: "what an operator cancels is ended in the queue only once its process is",
    file: PLANNING,
    find: 'if (process !== "absent" && !ended) continue;',
    replace: 'if (process === "absent" && ended) continue;',
  },
  {
    name: "recovery-waits",
    net: "a start waits for unknown workers no longer than StaleLockTimeout",
    file: PLANNING,
    find: "const timeIsUp = staleLockDeadlineAtMs === null;",
    replace: "const timeIsUp = staleLockDeadlineAtMs === 0;",
  },
  {
    name: "failed-creates-at-once",
    net: "a failed create is not asked for again at once",
    file: "src/machines/limits/throttle.machine.ts",
    find: '"create.failed": { target: ".held", actions: "holdAfterFailure" },',
    replace: "",
  },
  {
    name: "stranger-needs-nothing",
    net: "beside a process that the queue does not know an instance has no room",
    file: "src/machines/planner/slot.ts",
    find: "      fill(room);\n      break;",
    replace: "      continue;",
  },
  {
    name: "more-than-allowed",
    net: "MaxRunningContainersPerInstance holds",
    file: "src/machines/planner/fleet.ts",
    find: "return slot.room.vcpus > 0 && (max === 0 || slot.containersCount < max);",
    replace: "return slot.room.vcpus > 0 && max >= 0;",
    also: [
      {
        file: "src/machines/planner/fleet.ts",
        find: "if (max > 0 && worker.containerIds.length >= max) return false;",
        replace: "",
      },
    ],
  },
  {
    name: "rate-limit-cut-short",
    net: "a failure of another kind does not end what a rate limit asked for",
    file: "src/machines/limits/throttle.machine.ts",
    find: "untilMs: Math.max(context.untilMs ?? 0, event.retryAtMs ?? event.atMs + pauseMs),",
    replace: "untilMs: event.retryAtMs ?? event.atMs + pauseMs,",
  },
  {
    name: "starts-while-draining",
    net: "a dispatcher that drains starts nothing new",
    file: PLANNING,
    find: 'case "stopping": {',
    replace: 'case "standby" as never: {',
    also: [
      {
        file: PLANNING,
        find: 'case "dispatching":',
        replace: 'case "stopping":\n    case "dispatching":',
      },
    ],
  },
  {
    name: "lost-by-old-poll",
    net: "what was lost with its worker is judged by a poll that began later",
    file: "src/machines/planner/settle.ts",
    find: "lostAt !== null && lostAt >= queueUpdatedAt",
    replace: "lostAt !== null && lostAt < 0",
  },
  {
    name: "drain-gives-back-all",
    net: "a drained dispatcher gives back only what no worker runs",
    file: PLANNING,
    find: 'state === "Locked" && !busy && !view.running.has(containerId),',
    replace: 'state === "Locked" && !busy,',
  },
];
