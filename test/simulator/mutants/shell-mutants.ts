import type { Mutant } from "../mutants.ts";

const LIST = "src/actors/feeds/instance-list.feed.ts";
const PROBE = "src/actors/feeds/probe.feed.ts";
const RECOVER = "src/actors/recover.ts";
const SUPERVISOR = "src/actors/supervisor.ts";

/** Of the shell around the core: the feeds, the calls, the clock and the journal. */
export const SHELL_MUTANTS: readonly Mutant[] = [
  {
    name: "blamed-for-silence",
    net: "a worker that no list has shown since the start is not blamed for its silence",
    file: PROBE,
    find: " && isListed(worker.context.instanceId);",
    replace: ";",
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
    name: "clock-set-back",
    net: "a run begins at the wall clock's time, however far ahead the last one was",
    file: SUPERVISOR,
    find: "      if (setBack) return { ...input, atMs: nowMs, setBack };\n",
    replace: "",
  },
  {
    name: "times-stay-ahead",
    net: "with the clock, all that is remembered of time is set back",
    file: "src/machines/core/core.ts",
    find: "    if (move) draft.moveTimes(move);\n",
    replace: "",
  },
  {
    name: "older-journal-keeps-id",
    net: "a journal that has lost its end goes on under a new id",
    file: "src/drivers/journal/continuity.ts",
    find: 'if (testimony === "none") return undefined;',
    replace: 'if (testimony !== "unreadable") return undefined;',
  },
  {
    name: "new-id-forgotten",
    net: "a start names the id that commands have from there on",
    file: "src/machines/core/core.ts",
    find: '    if (record.fact.type === "daemon.started") this.journalId = record.fact.journalId;\n',
    replace: "",
  },
  {
    name: "address-kept",
    net: "a worker whose address has changed is asked at the new one",
    file: "src/actors/sessions.ts",
    find: "      known.setTarget(target);\n",
    replace: "",
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
    net: "a poll is as old as its beginning",
    file: "src/actors/feeds/queue-poll.feed.ts",
    find: "this.#polledSeq = basedOnSeq;",
    replace: "this.#polledSeq = Math.max(basedOnSeq, supervisor.seq);",
  },
  {
    name: "half-a-poll-believed",
    net: "a poll is not over before all is known that may run",
    file: "src/actors/feeds/queue-poll.feed.ts",
    find: "if (!(await this.#handOn(poll, basedOnSeq)))",
    replace: "if (!(await this.#handOn(poll, basedOnSeq)) && basedOnSeq < 0)",
  },
  {
    name: "effects-before-commit",
    net: "what is not durable has not happened",
    file: SUPERVISOR,
    find: "    this.#committer.add(record, applied.changes);\n",
    replace:
      "    this.#committer.add(record, applied.changes);\n    this.readModel.release(record.seq, applied.changes);\n    this.#released.next({ record, changes: applied.changes });\n",
    also: [
      {
        file: SUPERVISOR,
        find: "      this.#released.next({ record, changes });\n",
        replace: "",
      },
    ],
  },
  {
    name: "batch-not-retried",
    net: "a commit that failed is tried again",
    file: "src/actors/committer.ts",
    find: "        await this.#pause();\n        continue;",
    replace:
      "        await this.#pause();\n        this.#pending.splice(0, records.length);\n        continue;",
  },
  {
    name: "failed-commit-believed",
    net: "a commit that failed is not durable",
    file: "src/actors/committer.ts",
    find: "return hasRoom && this.#append(records);",
    replace: "return hasRoom ? this.#append(records) : this.#failuresCount === 1;",
  },
  {
    name: "checkpoint-of-later-state",
    net: "a checkpoint holds the state as it was at its record",
    file: SUPERVISOR,
    find: "options.core.seq === seq\n",
    replace: "options.core.seq >= seq\n",
    also: [
      {
        file: "src/actors/committer.ts",
        find: "      const checkpoint = this.#checkpointAt(records.at(-1)?.record.seq ?? 0);\n",
        replace: "",
      },
      {
        file: "src/actors/committer.ts",
        find: "      if (checkpoint) await this.#saveCheckpoint(checkpoint);\n",
        replace:
          "      const checkpoint = this.#checkpointAt(records.at(-1)?.record.seq ?? 0);\n      if (checkpoint) await this.#saveCheckpoint(checkpoint);\n",
      },
    ],
  },
  {
    name: "time-runs-back",
    net: "nothing but a start that says so sets the journal's time back",
    file: SUPERVISOR,
    find: "return Math.max(this.#options.clock.nowMs(), this.#options.core.atMs);",
    replace: "return this.#options.clock.nowMs();",
  },
  {
    name: "silent-since-start",
    net: "a worker's silence counts from when this run could first ask it",
    file: PROBE,
    find: "return this.#firstAskedAtMs.get(workerId) ?? this.#startedAtMs;",
    replace: "return this.#startedAtMs;",
  },
  {
    name: "gone-unasked",
    net: "a worker that nobody could ask is not gone after two quick lists",
    file: LIST,
    find: "if (directory.get(instanceId)) return askedMs;",
    replace: "if (directory.get(instanceId) !== null) return askedMs;",
  },
  {
    name: "reset-start-failed",
    net: "a start that may have been handed over has not failed",
    file: "src/actors/worker-calls.ts",
    find: 'outcome: handedOver ? "unknown" : "failed"',
    replace: 'outcome: handedOver ? "failed" : "failed"',
  },
  {
    name: "waits-for-ever",
    net: "a call without an answer is over with its time-out",
    file: "src/actors/deadline.ts",
    find: "return await Promise.race([call(controller.signal), late]);",
    replace: "late.catch(() => {});\n    return await call(controller.signal);",
  },
  {
    name: "probe-at-old-address",
    net: "a slow probe asks on where a list has shown its worker since",
    file: PROBE,
    find: 'return this.#options.supervisor.known.get("worker", context.workerId)?.context ?? context;',
    replace: "return context;",
  },
  {
    name: "list-too-soon",
    net: "no wish for a list cuts short what the cloud asked for",
    file: LIST,
    find: "this.#suspendedUntilMs = retryAtMs;",
    replace: "",
  },
  {
    name: "own-checkpoints-only",
    net: "a start goes on from another version's checkpoint",
    file: RECOVER,
    find: " ?? journal.checkpoint();",
    replace: ";",
  },
  {
    name: "foreign-state-stops",
    net: "a checkpoint that cannot be read stops no start",
    file: RECOVER,
    find: "  try {\n    return Core.restore(state);",
    replace:
      "  if (state !== '') return Core.restore(state);\n  try {\n    return Core.restore(state);",
  },
  {
    name: "foreign-record-stops",
    net: "a record that cannot be folded stops no start",
    file: RECOVER,
    find: "if (error instanceof JournalError) throw error;",
    replace: "throw error;",
  },
  {
    name: "damage-passed-over",
    net: "no start goes on from a damaged journal",
    file: RECOVER,
    find: "    if (error instanceof JournalError) throw error;\n",
    replace: "",
  },
  {
    name: "pruned-records-read",
    net: "a start without a checkpoint begins with the oldest record that is left",
    file: RECOVER,
    find: "Math.max(core.seq + 1, oldestSeq)",
    replace: "core.seq + 1",
  },
];
