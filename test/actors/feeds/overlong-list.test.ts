import { describe, expect, it } from "vitest";
import { parseListing } from "../../../src/actors/crunch-run-commands.ts";
import { ProbeFeed } from "../../../src/actors/feeds/probe.feed.ts";
import { dueAtMs } from "../../../src/machines/core/due.ts";
import { tellsNothing } from "../../../src/machines/core/route.ts";
import { makeEventLoopDelay } from "../../../src/telemetry/event-loop.ts";
import { containerId, containerRecord } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { FactSink } from "../../support/fact-sink.ts";
import { ScriptedSsh } from "../../support/scripted-ssh.ts";
import { instanceType, settings } from "../../support/settings.ts";

/** As many as fit into what is kept of a command's output. */
const MOST = 37_000;
const MADE_UP_FROM = 1_000_000;
const madeUp = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => containerId(MADE_UP_FROM + n));
const printed = (ids: readonly string[]): string => ids.map((id) => `${id}\n`).join("");

function probing(sink: FactSink, lists: Readonly<Record<string, string>>) {
  let listsCount = 0;
  const ssh: ScriptedSsh = new ScriptedSsh((command) => {
    if (!command.includes("--list")) return {};
    listsCount++;
    return { stdout: lists[ssh.targets.at(-1) ?? ""] ?? "" };
  });
  const feed = new ProbeFeed({
    supervisor: sink,
    clock: sink.clock,
    isListed: () => true,
    calls: ssh.calls,
    random: () => 0,
    probeIntervalMs: 10_000,
    maxProbesPerSecond: 1_000,
    onRunProbe: () => {},
    broke: (error) => {
      throw error;
    },
  });
  return { feed, count: () => listsCount };
}

/** Started, and with a queue that has been read, if so wished. */
function dispatching(sink: FactSink, polled = true): FactSink {
  void sink.submit({ type: "daemon.started", version: "test", journalId: "j1" });
  void sink.submit({ type: "lease.acquired" });
  const based = { basedOnSeq: sink.seq };
  if (polled) void sink.submit({ type: "queue.polled", ...based, startedAtMs: sink.clock.nowMs() });
  return sink;
}

function queue(sink: FactSink, id: string): void {
  const record = containerRecord({ state: "Running", createdAtMs: sink.clock.nowMs() });
  const basedOnSeq = sink.seq;
  void sink.submit({ type: "container.added", containerId: id, basedOnSeq, record });
}

const own = containerId(1);

describe("a worker that lists thousands of made-up containers", () => {
  it("is drained with that reason, and none of them becomes a fact", async () => {
    const sink = dispatching(new FactSink());
    const workerId = sink.booting();
    queue(sink, own);
    sink.listing(workerId, [own]);
    const { feed } = probing(sink, { "10.0.0.1": printed([...madeUp(MOST), own]) });
    feed.start();
    await sink.advance(25_000);
    feed.stop();
    expect(sink.worker(workerId)).toEqual({ state: "running", behavior: "drain", running: [own] });
    const reason = sink.known.get("worker", workerId)?.context.behaviorReason;
    expect(reason).toBe(`the worker is broken: it named ${MOST + 1} processes, and may have 64`);
    expect(JSON.stringify(sink.facts).length).toBeLessThan(20_000);
    expect(sink.known.size("container")).toBe(1);
  });

  it("keeps a container that only the queue says may run there", async () => {
    const sink = dispatching(new FactSink());
    sink.unknown();
    queue(sink, own);
    const { feed } = probing(sink, { "10.0.0.1": printed([...madeUp(MOST), own]) });
    feed.start();
    await sink.advance(1_000);
    feed.stop();
    expect(sink.worker("i-1")).toMatchObject({ behavior: "drain", running: [own] });
  });

  it("is not believed to run nothing before the queue has been read", async () => {
    const sink = dispatching(new FactSink(), false);
    sink.unknown();
    const { feed } = probing(sink, { "10.0.0.1": printed([...madeUp(MOST), own]) });
    feed.start();
    await sink.advance(1_000);
    expect(sink.worker("i-1")).toEqual({ state: "unknown", behavior: "drain", running: [] });
    expect(feed.answeredAtMs("i-1")).not.toBeNull();
    queue(sink, own);
    const { seq: basedOnSeq, clock } = sink;
    void sink.submit({ type: "queue.polled", basedOnSeq, startedAtMs: clock.nowMs() });
    await sink.advance(10_000);
    feed.stop();
    expect(sink.worker("i-1")).toMatchObject({ behavior: "drain", running: [own] });
  });

  it("slows nobody: the event loop goes on, and the others are probed", async () => {
    const delay = makeEventLoopDelay();
    const sink = dispatching(new FactSink());
    sink.seen("i-1", "10.0.0.1");
    sink.seen("i-2", "10.0.0.2");
    const { feed, count } = probing(sink, { "10.0.0.1": printed(madeUp(MOST)) });
    feed.start();
    for (let round = 0; round < 10; round++) {
      await sink.advance(10_000);
      sink.decide([]);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    feed.stop();
    const { maxS } = delay.read();
    delay.stop();
    expect(count()).toBeGreaterThan(10);
    expect(sink.worker("i-2")).toMatchObject({ state: "idle", behavior: "run" });
    expect(sink.worker("i-1").behavior).toBe("drain");
    // It was minutes; reading such a list takes some tens of milliseconds.
    expect(maxS).toBeLessThan(3);
  });
});

/** What the core does with a list within the limit, to the signals of all of it. Answers CPU milliseconds. */
function costOf(count: number): number {
  const big = { ...instanceType(512), name: "big" };
  const builder = new CoreBuilder({ instanceTypes: { ...settings().instanceTypes, big } });
  builder.dispatching().instance("i-1", "big");
  const stdout = printed(madeUp(count));
  const began = process.cpuUsage();
  const containerIds = [...parseListing(stdout, "zzzzz").containerIds];
  const { nowMs, core } = builder;
  const listed = { containerIds, booted: true, broken: false, stale: false, bootError: "" };
  const probe = {
    type: "probe.succeeded",
    workerId: "i-1",
    startedAtMs: nowMs,
    ...listed,
  } as const;
  builder.feed({ ...probe, basedOnSeq: core.seq });
  expect(tellsNothing(core.registry, { ...probe, basedOnSeq: core.seq })).toBe(true);
  const { record } = builder.plan();
  expect(record?.commands).toHaveLength(count);
  builder.nowMs += 6_000;
  const tick = { actorKind: "worker", actorId: "i-1", lastGoodProbeAtMs: nowMs } as const;
  expect(builder.feed({ type: "clock.ticked", ...tick }).record?.commands).toHaveLength(count);
  const worker = core.registry.get("worker", "i-1");
  expect(worker && dueAtMs("worker", worker)).toBeGreaterThan(builder.nowMs);
  const { user } = process.cpuUsage(began);
  return user / 1000;
}

it("what a worker may report costs by its length, from the list to the last signal", () => {
  costOf(500);
  const least = (count: number): number => Math.min(...[1, 2, 3].map(() => costOf(count)));
  // Four times as much costs four times as much; it was sixteen.
  expect(least(2_000) / least(500)).toBeLessThan(9);
}, 120_000);
