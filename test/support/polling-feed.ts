import { QueuePollFeed } from "../../src/actors/feeds/queue-poll.feed.ts";
import type { QueuePoll } from "../../src/drivers/queue/port.ts";
import type { ContainerEnd, ContainerRecord } from "../../src/machines/model/fact.ts";
import { containerRecord } from "./containers.ts";
import { FactSink } from "./fact-sink.ts";

/** The feed on a queue whose next answers are told; each poll takes a second, each fetch of mounts a tenth. */
export function polling(pollIntervalMs = 10_000) {
  const sink = new FactSink();
  const outcomes: string[] = [];
  const bugs: unknown[] = [];
  const asked: string[][] = [];
  const askedAtMs: number[] = [];
  const mounts: string[] = [];
  const state = {
    entries: {} as Record<string, Partial<ContainerRecord>>,
    ends: {} as Record<string, ContainerEnd>,
    rejected: {} as Record<string, { state: "Queued" | "Running" | null; error: string }>,
    error: undefined as Error | undefined,
    mountsError: undefined as Error | undefined,
    takesMs: 1_000,
    answeredSeq: 0,
  };
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => sink.clock.setTimer(ms, resolve));
  const never = (): never => {
    throw new Error("not asked for in a poll");
  };
  const feed = new QueuePollFeed({
    supervisor: sink,
    clock: sink.clock,
    answeredSeq: () => state.answeredSeq,
    queue: {
      poll: async (open): Promise<QueuePoll> => {
        asked.push([...open]);
        askedAtMs.push(sink.clock.nowMs());
        const entries = Object.entries(state.entries);
        const rejected = new Map(Object.entries(state.rejected));
        await pause(state.takesMs);
        if (state.error) throw state.error;
        const records = entries.map(([id, changes]) => [id, containerRecord(changes)] as const);
        return {
          entries: new Map(records),
          ends: new Map(Object.entries(state.ends)),
          deleted: new Set(),
          rejected,
          namelessRows: 0,
        };
      },
      tmpMounts: async (id) => {
        mounts.push(id);
        await pause(100);
        if (state.mountsError) throw state.mountsError;
        return 12_345;
      },
      lock: never,
      unlock: never,
      cancel: never,
      last503AtMs: () => null,
    },
    pollIntervalMs,
    timeoutMs: 30_000,
    clean: (text) => text.replaceAll("token", "…"),
    onOutcome: (failure) => void outcomes.push(failure),
    broke: (error) => void bugs.push(error),
  });
  const record = (id: string): unknown => sink.known.get("container", id)?.value.record;
  return { sink, feed, state, outcomes, bugs, asked, askedAtMs, mounts, record };
}
