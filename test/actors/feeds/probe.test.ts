import { describe, expect, it } from "vitest";
import { ProbeFeed } from "../../../src/actors/feeds/probe.feed.ts";
import { SshError } from "../../../src/drivers/ssh/port.ts";
import { FactSink } from "../../support/fact-sink.ts";
import { ScriptedSsh } from "../../support/scripted-ssh.ts";
import type { Answer } from "../../support/scripted-ssh.ts";
import { C1 } from "../../support/worker-rig.ts";

function probing(options: { random?: number; perSecond?: number; sink?: FactSink } = {}) {
  const { sink = new FactSink() } = options;
  const bugs: unknown[] = [];
  const outcomes: string[] = [];
  const startedAtMs: number[] = [];
  const state = {
    answer: (_command: string): Answer | Promise<Answer> => ({}),
    unlisted: new Set<string>(),
  };
  const ssh = new ScriptedSsh((command) => {
    startedAtMs.push(sink.clock.nowMs() - 1_000_000);
    return state.answer(command);
  });
  const feed = new ProbeFeed({
    supervisor: sink,
    clock: sink.clock,
    isListed: (instanceId) => !state.unlisted.has(instanceId),
    calls: ssh.calls,
    random: () => options.random ?? 0,
    probeIntervalMs: 10_000,
    maxProbesPerSecond: options.perSecond ?? 1_000_000,
    onRunProbe: (outcome, ms) => void outcomes.push(`${outcome} ${ms}`),
    broke: (error) => void bugs.push(error),
  });
  return { sink, ssh, feed, bugs, outcomes, startedAtMs, state };
}

describe("probes", () => {
  it("come every interval, after a pause by chance, one after the other at the pace given", async () => {
    const { sink, feed, startedAtMs } = probing({ random: 0.46, perSecond: 10 });
    for (const id of ["i-1", "i-2", "i-3"]) sink.listing(sink.booting(id), []);
    feed.start();
    await sink.advance(9_000);
    expect(startedAtMs).toEqual([300, 400, 500]);
    await sink.advance(2_000);
    expect(startedAtMs.slice(3)).toEqual([10_500, 10_600, 10_700]);
    feed.stop();
    await sink.advance(60_000);
    expect(startedAtMs).toHaveLength(6);
  });

  it("are one at a time for a worker, however long it takes", async () => {
    const { sink, ssh, feed, state } = probing();
    const workerId = sink.booting();
    sink.listing(workerId, []);
    let answer = (_: Answer): void => {};
    state.answer = () => new Promise((resolve) => (answer = resolve));
    feed.start();
    await sink.advance(35_000);
    feed.want(workerId);
    await sink.advance(5_000);
    expect(ssh.commands).toHaveLength(1);
    answer({});
    await sink.advance(10_100);
    expect(ssh.commands).toHaveLength(2);
    feed.stop();
  });

  it("ask a worker where a list has shown it since, when the first answer took long", async () => {
    const { sink, ssh, feed, state } = probing();
    const workerId = sink.unknown();
    let answer = (_: Answer): void => {};
    state.answer = (command) =>
      command === "bootprobe" ? new Promise((resolve) => (answer = resolve)) : {};
    feed.start();
    await sink.advance(1_000);
    sink.seen(workerId, "10.0.0.9");
    answer({});
    await sink.advance(1_000);
    expect(ssh.texts).toEqual(["bootprobe", "crunch-run --list"]);
    expect(ssh.targets[1]).toBe("10.0.0.9");
    feed.stop();
  });

  it("tell where the oldest answer began of those that may run what nobody knows of", async () => {
    const { sink, feed, state } = probing();
    sink.booting("i-3");
    expect(feed.answeredSeq()).toBe(sink.seq);
    const [first, second] = [sink.unknown("i-1"), sink.unknown("i-2")];
    expect(feed.answeredSeq()).toBe(0);
    feed.want(first);
    state.answer = () => new SshError("network", "no route", { started: false });
    feed.want(second);
    await sink.advance(100);
    expect(feed.answeredSeq()).toBe(0);
    state.answer = () => ({});
    feed.want(first);
    await sink.advance(100);
    expect(feed.answeredSeq()).toBe(0);
    let answer = (_: Answer): void => {};
    state.answer = () => new Promise((resolve) => (answer = resolve));
    const beganSeq = sink.seq;
    feed.want(second);
    await sink.advance(100);
    state.answer = () => ({});
    feed.want(first);
    await sink.advance(100);
    answer({});
    await sink.advance(100);
    expect(feed.answeredSeq()).toBe(beganSeq);
    expect(sink.seq).toBeGreaterThan(beganSeq);
    feed.stop();
  });

  it("count no listing that the worker's machine passes over", async () => {
    const { sink, feed, state } = probing();
    const workerId = sink.unknown();
    let answer = (_: Answer): void => {};
    state.answer = (command) =>
      command === "bootprobe" ? {} : new Promise((resolve) => (answer = resolve));
    feed.want(workerId);
    await sink.advance(100);
    // What has begun since is not in the listing, and neither is it judged by it.
    void sink.submit({ type: "daemon.started", version: "test", journalId: "j1" });
    answer({ stdout: `${C1}\n` });
    await sink.advance(100);
    expect(feed.answeredAtMs(workerId)).not.toBeNull();
    expect(feed.answeredSeq()).toBe(0);
    feed.stop();
  });

  it("leave alone what is being created, shut down, or gone", async () => {
    const { sink, ssh, feed } = probing();
    const create = { do: "create", container: C1, instanceType: "type1", reason: "test" } as const;
    sink.decide([create]);
    const ending = sink.unknown("i-2");
    void sink.submit({ type: "shutdown.requested", workerId: ending, reason: "test" });
    feed.want("nobody");
    feed.start();
    await sink.advance(25_000);
    expect(ssh.commands).toEqual([]);
    feed.stop();
  });

  it("do not come while the journal cannot be written", async () => {
    const { sink, ssh, feed } = probing();
    sink.unknown();
    sink.accepting = false;
    feed.start();
    await sink.advance(25_000);
    expect(ssh.commands).toEqual([]);
    sink.accepting = true;
    await sink.advance(10_000);
    expect(ssh.commands.length).toBeGreaterThan(0);
    feed.stop();
  });

  it("list only what has booted or is unknown, and tell how that went", async () => {
    const { sink, ssh, feed, state, outcomes } = probing();
    sink.booting();
    state.answer = () => ({ exitCode: 1, stderr: "not yet" });
    feed.start();
    await sink.advance(1_000);
    expect([ssh.texts, outcomes]).toEqual([["bootprobe"], []]);
    expect(sink.facts.at(-1)).toMatchObject({
      type: "probe.failed",
      booted: false,
      error: "bootprobe: exit status 1: not yet",
    });
    state.answer = () => ({});
    await sink.advance(10_000);
    expect(outcomes).toEqual(["success 0"]);
    state.answer = () => new SshError("network", "no route", { started: false });
    await sink.advance(10_000);
    expect(outcomes).toEqual(["success 0", "fail 0"]);
    expect(ssh.texts).toEqual(["bootprobe", "bootprobe", "crunch-run --list", "crunch-run --list"]);
    feed.stop();
  });

  it("carry when the worker last answered well: from its start, never from before the run", async () => {
    const { sink, feed, state } = probing();
    const workerId = sink.booting();
    const bornAtMs = sink.clock.nowMs();
    expect(feed.lastGoodProbeAtMs(workerId)).toBe(bornAtMs);
    expect(feed.lastGoodProbeAtMs("nobody")).toBe(bornAtMs);
    feed.start();
    await sink.advance(15_000);
    state.answer = () => ({ exitCode: 1 });
    await sink.advance(10_000);
    const lastGoodProbeAtMs = feed.lastGoodProbeAtMs(workerId);
    expect(lastGoodProbeAtMs).toBeCloseTo(bornAtMs + 10_000, 1);
    expect(sink.facts.at(-1)).toMatchObject({ type: "probe.failed", lastGoodProbeAtMs });
    feed.stop();
  });

  it("wait for the cloud to say where a worker of the last run is, which counts from then on", async () => {
    const sink = new FactSink();
    const workerId = sink.unknown("i-1");
    // In the very millisecond in which it was found, as where a start has moved that from the future to its own time.
    await sink.submit({ type: "daemon.started", version: "test", journalId: "j1" });
    const { ssh, feed, state } = probing({ sink });
    state.unlisted.add("i-1");
    feed.start();
    await sink.advance(100_000);
    expect(ssh.commands).toEqual([]);
    expect(feed.answeredAtMs(workerId)).toBeNull();
    state.unlisted.clear();
    state.answer = () => ({ exitCode: 1 });
    const askedAtMs = sink.clock.nowMs();
    await sink.advance(11_000);
    expect(ssh.commands.length).toBeGreaterThan(0);
    expect(feed.lastGoodProbeAtMs(workerId)).toBeGreaterThanOrEqual(askedAtMs);
    feed.stop();
  });

  it("tell the seq that they are based on, from before they began", async () => {
    const { sink, feed, state } = probing();
    sink.unknown();
    const basedOnSeq = sink.seq;
    let answer = (_: Answer): void => {};
    state.answer = () => new Promise((resolve) => (answer = resolve));
    feed.start();
    await sink.advance(100);
    sink.unknown("i-2");
    answer({});
    await sink.advance(0);
    answer({});
    await sink.advance(0);
    const probed = sink.facts.find(({ type }) => type === "probe.succeeded");
    expect(probed).toMatchObject({ workerId: "i-1", basedOnSeq });
    feed.stop();
  });

  it("that break by what SSH did not make are a bug", async () => {
    const { sink, feed, state, bugs } = probing();
    sink.unknown();
    state.answer = () => new TypeError("oops");
    feed.start();
    await sink.advance(1_000);
    expect(bugs).toEqual([new TypeError("oops")]);
  });
});
