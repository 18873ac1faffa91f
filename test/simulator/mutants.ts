/** `find`, which stands in the file once, becomes `replace`. */
export interface Cut {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * A safety net of the product, cut. Some seed of the budget must notice, or the simulator would not have noticed its
 * absence either.
 */
export interface Mutant extends Cut {
  readonly name: string;
  /** What the net is for. */
  readonly net: string;
  /** Where a second net hangs below, it is cut too: either alone is as good. */
  readonly also?: readonly Cut[];
}

const GUARDS = "src/machines/worker/worker.guards.ts";
const PROCESSES = "src/machines/worker/worker.processes.ts";
const WORKER = "src/machines/worker/worker.machine.ts";
const CONTAINER = "src/machines/container/container.machine.ts";
const CONTAINER_GUARDS = "src/machines/container/container.guards.ts";
const ROUTE = "src/machines/core/route.ts";
const PLANNING = "src/machines/core/planning.ts";
const RECONCILE = "src/machines/planner/reconcile.ts";
const DUE = "src/machines/core/due.ts";
const VIEW = "src/machines/core/view.ts";
const LIST = "src/actors/feeds/instance-list.feed.ts";

export const MUTANTS: readonly Mutant[] = [
  {
    name: "probe-race",
    net: "a probe begun before a start or a kill judges nothing",
    file: GUARDS,
    find: "return event.basedOnSeq >= context.updatedSeq;",
    replace: "return event.basedOnSeq >= 0 && context !== undefined;",
  },
  {
    name: "one-list-is-enough",
    net: "gone means missing from two lists in a row",
    file: WORKER,
    find: '{ guard: "goneFromLists", target: "gone" },',
    replace: '{ target: "gone" },',
  },
  {
    name: "gone-though-answering",
    net: "what answers is not gone",
    file: GUARDS,
    find: "event.lastGoodProbeAtMs <= since",
    replace: "event.lastGoodProbeAtMs <= Infinity",
  },
  {
    name: "lost-create-forgotten",
    net: "a create without an answer waits for a list",
    file: GUARDS,
    find: 'return event.failure.code === "timeout" || event.failure.code === "aborted";',
    replace: 'return event.failure.code === "aborted";',
  },
  {
    name: "unknown-start-dropped",
    net: "a start that may have run is not over before it can no longer turn up",
    file: PROCESSES,
    find: "return process.settleAtMs !== null && probeStartedAtMs > process.settleAtMs;",
    replace: "return probeStartedAtMs >= 0 && process !== undefined;",
  },
  {
    name: "start-never-settles",
    net: "a start that never ran is given up at last",
    file: PROCESSES,
    find: "return process.settleAtMs !== null && probeStartedAtMs > process.settleAtMs;",
    replace: "return process.settleAtMs !== null && probeStartedAtMs < 0;",
  },
  {
    name: "kill-takes-new-process",
    net: "a kill's answer is about the process that was known when it was sent",
    file: GUARDS,
    find: "return event.gone && runningSeq !== null && seqOfCommand(event.commandId) > runningSeq;",
    replace: "return event.gone && (runningSeq ?? 0) + seqOfCommand(event.commandId) > 0;",
  },
  {
    name: "destroy-sent-once",
    net: "a destroy is sent again while the instance is still listed",
    file: GUARDS,
    find: "return event.atMs - (context.destroySentAtMs ?? 0) > event.settings.timeoutShutdownMs;",
    replace: "return event.atMs - (context.destroySentAtMs ?? 0) > 1e15;",
  },
  {
    name: "unknown-busy-destroyed",
    net: "an unknown worker that lists containers is not destroyed for its age",
    file: GUARDS,
    find: "return deadlinePassed(context, event) && answered && isEmpty(context.processes);",
    replace: "return deadlinePassed(context, event) && answered;",
    also: [
      {
        file: DUE,
        find: "const waits = held || Object.keys(context.processes).length > 0;",
        replace: "const waits = held;",
      },
    ],
  },
  {
    name: "unknown-silent-destroyed",
    net: "an unknown worker that has not answered is not destroyed for its age",
    file: GUARDS,
    find: "const answered = event.lastGoodProbeAtMs !== null;",
    replace: "const answered = event.atMs > 0;",
  },
  {
    name: "blamed-for-silence",
    net: "a worker that no list has shown since the start is not blamed for its silence",
    file: "src/actors/feeds/probe.feed.ts",
    find: "return lives && isListed(worker.context.instanceId);",
    replace: "return lives;",
  },
  {
    name: "silent-worker-kept",
    net: "a worker that does not answer for TimeoutProbe is given up",
    file: GUARDS,
    find: "return unansweredMs(event) >= event.settings.timeoutProbeMs;",
    replace: "return unansweredMs(event) >= 1e15;",
  },
  {
    name: "impatient",
    net: "a worker that runs containers has all of TimeoutProbe",
    file: GUARDS,
    find: "return unansweredMs(event) >= event.settings.timeoutProbeMs;",
    replace: "return unansweredMs(event) >= event.settings.timeoutProbeMs / 10;",
  },
  {
    name: "boots-for-ever",
    net: "a worker that does not boot is given up",
    file: GUARDS,
    find: "return unansweredMs(event) >= event.settings.timeoutBootingMs;",
    replace: "return unansweredMs(event) >= 1e15;",
  },
  {
    name: "idle-while-busy",
    net: "an idle worker that turns out to be busy is running",
    file: WORKER,
    find: '{ guard: "hasProcesses", target: "running" },',
    replace: "",
  },
  {
    name: "idle-for-ever",
    net: "an idle worker is shut down",
    file: GUARDS,
    find: "return context.idleDeadlineAtMs !== null && event.atMs >= context.idleDeadlineAtMs;",
    replace: "return context.idleDeadlineAtMs !== null && event.atMs >= 1e15;",
  },
  {
    name: "restart-trusts-journal",
    net: "a restart makes every live worker unknown",
    file: WORKER,
    find: '"daemon.started": { target: "unknown", actions: "beginAgain" },',
    replace: "",
  },
  {
    name: "destroy-not-resent",
    net: "a destroy that a crash swallowed is sent again at the start",
    file: WORKER,
    find: '"daemon.started": { actions: ["beginAgain", act.destroy, "rememberDestroy"] },',
    replace: '"daemon.started": { actions: ["beginAgain"] },',
  },
  {
    name: "unkillable-kept",
    net: "a drained worker whose processes do not obey is given up",
    file: WORKER,
    find: 'guard: and(["draining", "hasProcesses", "allGivenUp"]),',
    replace: 'guard: and(["draining", "hasProcesses", "noProcesses"]),',
  },
  {
    name: "unkillable-trusted",
    net: "a worker with a process that does not obey is drained",
    file: WORKER,
    find: '"clock.ticked": drainAsUnkillable,',
    replace: "",
  },
  {
    name: "broken-trusted",
    net: "a worker that says it is broken is drained",
    file: GUARDS,
    find: "if (event.broken) return true;",
    replace: "",
  },
  {
    name: "stale-lock-trusted",
    net: "a worker with a stale run lock is drained",
    file: GUARDS,
    find: "return event.atMs - context.staleSinceMs > event.settings.timeoutStaleRunLockMs;",
    replace: "return event.atMs - context.staleSinceMs > 1e15;",
  },
  {
    name: "drained-busy-destroyed",
    net: "a drained worker ends what it runs before it is shut down",
    file: WORKER,
    find: 'always: [{ guard: "noProcesses", target: "idle" }, shutDownUnkillable],',
    replace:
      'always: [{ guard: "noProcesses", target: "idle" }, { guard: "draining", target: "shutdown", actions: act.drainedBecause("drained") }],',
  },
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
    name: "secret-ignored",
    net: "a list's instance is matched with its create by the secret",
    file: LIST,
    find: "secretOf(workerId) === secret) return workerId;",
    replace: "secretOf(workerId) === '') return workerId;",
  },
  {
    name: "two-lists-at-once",
    net: "a worker that two lists lack has had the time to answer a probe between them",
    file: LIST,
    find: "const PROBES_TO_ANSWER = 2;",
    replace: "const PROBES_TO_ANSWER = 0.1;",
  },
  {
    name: "booting-after-restart",
    net: "a create of an earlier run that turns up may be running something",
    file: WORKER,
    find: '{ guard: "fromEarlierRun", target: "unknown", actions: "takeUnknown" },',
    replace: "",
  },
  {
    name: "clock-set-back",
    net: "a wall clock that was set back stops no deadline",
    file: "src/actors/clock.ts",
    find: "const aheadMs = Math.max(0, atMs - clock.nowMs());",
    replace: "const aheadMs = Math.max(0, 0 * atMs);",
  },
  {
    name: "judged-by-old-record",
    net: "an exit is judged by a record that is newer",
    file: RECONCILE,
    find: "const endedBefore = exitedAt !== null && exitedAt < queueUpdatedAt;",
    replace: "const endedBefore = exitedAt !== null;",
  },
  {
    name: "cancelled-while-unknown",
    net: "what runs may be on a worker that nobody has asked yet",
    file: RECONCILE,
    find: "if (anyUnknown) return undefined;",
    replace: "if (anyUnknown && container === '') return undefined;",
  },
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
    find: "return waited || timeIsUp ? [finish, ...stale] : [finish];",
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
    name: "address-kept",
    net: "a worker whose address has changed is asked at the new one",
    file: "src/actors/sessions.ts",
    find: "      known.setTarget(target);\n",
    replace: "",
  },
  {
    name: "hold-forgotten",
    net: "a held worker is not shut down for being idle",
    file: WORKER,
    find: 'guard: and(["idleOverdue", not("held")]),',
    replace: 'guard: "idleOverdue",',
    also: [
      {
        file: DUE,
        find: "return held ? null : context.idleDeadlineAtMs;",
        replace: "return context.idleDeadlineAtMs;",
      },
    ],
  },
  {
    name: "wall-clock-read-again",
    net: "the wall clock is read once, at the start",
    file: "src/actors/clock.ts",
    find: "  const baseMs = source.wallMs() - source.monotonicMs();\n  return () => Math.floor(baseMs + source.monotonicMs());",
    replace: "  return () => Math.floor(source.wallMs());",
  },
  {
    name: "exit-not-awaited",
    net: "a container that ended is judged by a poll that began after it",
    file: VIEW,
    find: "return fact.polledSeq + 1;",
    replace: "return fact.polledSeq + 1_000;",
  },
  {
    name: "effects-before-commit",
    net: "what is not durable has not happened",
    file: "src/actors/supervisor.ts",
    find: "    this.#committer.add(record, applied.changes);\n",
    replace:
      "    this.#committer.add(record, applied.changes);\n    this.#release({ records: [{ record, changes: applied.changes }] });\n",
  },
  {
    name: "batch-not-retried",
    net: "a commit that failed is tried again",
    file: "src/actors/committer.ts",
    find: "      this.#pending.splice(0, records.length);\n      this.#options.onDurable({ records });",
    replace:
      "      this.#pending.splice(0, records.length);\n      if (records.length % 7 !== 6) this.#options.onDurable({ records });",
  },
  {
    name: "time-runs-back",
    net: "the time of a fact is never before the last one's",
    file: "src/actors/supervisor.ts",
    find: "return Math.max(this.#options.clock.nowMs(), this.#options.core.atMs);",
    replace: "return this.#options.clock.nowMs();",
    also: [
      {
        file: "src/actors/clock.ts",
        find: "const aheadMs = Math.max(0, atMs - clock.nowMs());",
        replace: "const aheadMs = Math.max(0, 0 * atMs);",
      },
    ],
  },
];
