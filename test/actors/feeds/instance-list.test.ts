import { describe, expect, it } from "vitest";
import { InstanceListFeed } from "../../../src/actors/feeds/instance-list.feed.ts";
import { InstanceDirectory } from "../../../src/actors/instance-directory.ts";
import { tagNames } from "../../../src/actors/instance-tags.ts";
import { CloudError } from "../../../src/drivers/cloud/port.ts";
import type { Instance, InstanceTags } from "../../../src/drivers/cloud/port.ts";
import { FactSink } from "../../support/fact-sink.ts";

const MINUTE_MS = 60_000;

function instance(instanceId: string, tags: InstanceTags = {}): Instance {
  const all = { InstanceType: "type1", IdleBehavior: "run", ...tags };
  return { instanceId, providerType: "p", address: "10.0.0.1", remoteUser: "root", tags: all };
}

/** The feed on a cloud whose next lists are told; each takes a second. */
function listing() {
  const sink = new FactSink();
  const outcomes: string[] = [];
  const bugs: unknown[] = [];
  const asked: InstanceTags[] = [];
  const state: { list: readonly Instance[]; error: Error | undefined; hangs: boolean } = {
    list: [],
    error: undefined,
    hangs: false,
  };
  const directory = new InstanceDirectory();
  const feed = new InstanceListFeed({
    supervisor: sink,
    clock: sink.clock,
    cloud: {
      list: async (tags) => {
        asked.push(tags);
        const { list } = state;
        await new Promise<void>((resolve) => sink.clock.setTimer(1_000, resolve));
        if (state.hangs) return new Promise(() => {});
        if (state.error) throw state.error;
        return list;
      },
    },
    directory,
    tagNames: tagNames(""),
    instanceSetId: "set",
    syncIntervalMs: MINUTE_MS,
    probeIntervalMs: 5_000,
    timeoutMs: 10_000,
    secretOf: (commandId) => `secret of ${commandId}`,
    lastGoodProbeAtMs: () => 0,
    onOutcome: (failure) => void outcomes.push(failure),
    broke: (error) => void bugs.push(error),
  });
  return { sink, feed, state, outcomes, bugs, asked, directory };
}

/** Past the two lists that a run begins with. */
async function begin({ sink, feed }: Pick<ReturnType<typeof listing>, "sink" | "feed">) {
  feed.start();
  await sink.advance(3_000);
}

describe("the list of instances", () => {
  it("takes a tag that is no idle behaviour for none", async () => {
    const { sink, feed, state } = listing();
    state.list = [instance("i-1", { IdleBehavior: "nonsense" })];
    feed.start();
    await sink.advance(1_000);
    expect(sink.facts[0]).toMatchObject({ idleBehavior: "" });
    expect(sink.worker("i-1").behavior).toBe("run");
    feed.stop();
  });

  it("asks for our set, hands on what it sees, and one watermark of the whole", async () => {
    const { sink, feed, state, asked, directory } = listing();
    state.list = [instance("i-1"), instance("i-2", { IdleBehavior: "hold" })];
    await begin({ sink, feed });
    const basedOnSeq = sink.seq;
    const listStartedAtMs = sink.clock.nowMs() + MINUTE_MS;
    sink.facts.length = 0;
    await sink.advance(MINUTE_MS + 1_000);
    expect(asked).toEqual([1, 2, 3].map(() => ({ InstanceSetID: "set" })));
    expect(sink.facts.map((fact) => ("instanceId" in fact ? fact.instanceId : fact.type))).toEqual([
      "i-1",
      "i-2",
      "instances.listed",
    ]);
    expect(sink.facts[1]).toMatchObject({ basedOnSeq, createdBy: null, idleBehavior: "hold" });
    expect(sink.facts[2]).toMatchObject({ basedOnSeq, listStartedAtMs, instancesCount: 2 });
    expect(directory.get("i-1")?.tags.InstanceType).toBe("type1");
    // The same again changes nothing.
    expect(sink.seq).toBe(basedOnSeq);
    feed.stop();
  });

  it("goes by two lists at first, for one may be incomplete", async () => {
    const { sink, feed, state, asked } = listing();
    const missed = sink.unknown("i-2");
    state.list = [instance("i-1")];
    sink.takeTypes();
    feed.start();
    await sink.advance(1_000);
    expect([asked.length, sink.takeTypes()]).toEqual([1, ["instance.seen"]]);
    state.list = [instance("i-1"), instance("i-2")];
    await sink.advance(2_000);
    expect(sink.takeTypes()).toEqual(["instance.seen", "instance.seen", "instances.listed"]);
    expect([asked.length, sink.worker(missed).state]).toEqual([2, "unknown"]);
    feed.stop();
  });

  it("misses a create without an answer only by lists, none that is under way", async () => {
    const { sink, feed, state } = listing();
    const container = "zzzzz-dz642-000000000000001";
    const create = { do: "create", container, instanceType: "type1", reason: "test" } as const;
    sink.decide([create, create]);
    const [lost = "", open = ""] = sink.known.ids("worker");
    await begin({ sink, feed });
    const failure = { code: "timeout", message: "no answer" } as const;
    void sink.submit({ type: "create.failed", commandId: lost, workerId: lost, failure });
    const { timeoutBootingMs } = sink.settings;
    sink.facts.length = 0;

    state.error = new CloudError({ code: "other", message: "503" });
    await sink.advance(timeoutBootingMs + MINUTE_MS);
    expect([sink.takeTypes(), sink.worker(lost).state]).toEqual([[], "creating"]);

    state.error = undefined;
    await sink.advance(MINUTE_MS);
    expect(sink.takeTypes()).toEqual(["instance.missing", "instances.listed"]);
    expect(sink.worker(lost).state).toBe("creating");
    await sink.advance(MINUTE_MS + 1_000);
    expect(sink.takeTypes()).toEqual(["instance.missing", "instances.listed"]);
    expect([sink.worker(lost).state, sink.worker(open).state]).toEqual(["gone", "creating"]);
    feed.stop();
  });

  it("knows the instance of a create by its secret, not by another's", async () => {
    const { sink, feed, state } = listing();
    const container = "zzzzz-dz642-000000000000001";
    const create = { do: "create", container, instanceType: "type1", reason: "test" } as const;
    sink.decide([create, create]);
    const [first = "", second = ""] = sink.known.ids("worker");
    state.list = [
      instance("i-2", { InstanceSecret: `secret of ${second}` }),
      instance("i-1", { InstanceSecret: `secret of ${first}` }),
      instance("i-1b", { InstanceSecret: `secret of ${first}` }),
      instance("i-3", { InstanceSecret: "" }),
      instance("i-4", { InstanceSecret: "secret of a lost journal" }),
    ];
    feed.start();
    await sink.advance(1_000);
    const { known } = sink;
    expect(known.workerOfInstance("i-1")).toBe(first);
    expect(known.workerOfInstance("i-2")).toBe(second);
    for (const id of ["i-1b", "i-3", "i-4"]) expect(sink.worker(id).state).toBe("unknown");
    feed.stop();
  });

  it("names what is missing, and looks again soon: two lists in a row decide", async () => {
    const { sink, feed, state, asked } = listing();
    const workerId = sink.unknown("i-1");
    state.list = [instance("i-1")];
    await begin({ sink, feed });
    state.list = [];
    await sink.advance(MINUTE_MS + 1_000);
    expect(sink.facts.at(-2)).toMatchObject({ type: "instance.missing", workerId });
    expect(sink.worker(workerId).state).toBe("unknown");
    await sink.advance(9_999);
    expect([asked.length, sink.worker(workerId).state]).toEqual([3, "unknown"]);
    // It has had the time to answer two probes.
    await sink.advance(1_001);
    expect([asked.length, sink.worker(workerId).state]).toEqual([4, "gone"]);
    // Once more after the one that decided, then at the interval.
    await sink.advance(50_000);
    expect(asked).toHaveLength(5);
    feed.stop();
  });

  it("waits longer for one that no list has shown to this run: nobody could ask it", async () => {
    const { sink, feed } = listing();
    const workerId = sink.unknown("i-1");
    await begin({ sink, feed });
    expect(sink.facts.at(-2)).toMatchObject({ type: "instance.missing", workerId });
    await sink.advance(59_000);
    expect(sink.worker(workerId).state).toBe("unknown");
    await sink.advance(3_000);
    expect(sink.worker(workerId).state).toBe("gone");
    feed.stop();
  });

  it("comes again at its interval after an error, and tells who wants to know", async () => {
    const { sink, feed, state, asked, outcomes } = listing();
    const workerId = sink.unknown("i-1");
    sink.takeTypes();
    state.error = new CloudError({ code: "unavailable", message: "no cloud today" });
    feed.start();
    await sink.advance(1_000);
    expect([outcomes, sink.takeTypes()]).toEqual([["no cloud today"], []]);
    state.error = undefined;
    state.list = [instance("i-1")];
    await sink.advance(MINUTE_MS + 1_000);
    expect([asked.length, outcomes.at(-1), sink.worker(workerId).state]).toEqual([
      2,
      "",
      "unknown",
    ]);
    feed.stop();
  });

  it("gives a call up at its deadline", async () => {
    const { sink, feed, state, outcomes } = listing();
    state.hangs = true;
    feed.start();
    await sink.advance(10_000);
    expect(outcomes).toEqual(["no answer within 10s"]);
    feed.stop();
  });

  it("leaves the cloud alone as long as it asks for that, whoever wants a list", async () => {
    const { sink, feed, state, asked } = listing();
    const retryAtMs = sink.clock.nowMs() + 3 * MINUTE_MS;
    state.error = new CloudError({ code: "rateLimited", message: "slow down", retryAtMs });
    feed.start();
    await sink.advance(1_000);
    state.error = undefined;
    feed.soon();
    await sink.advance(MINUTE_MS);
    feed.soon();
    await sink.advance(MINUTE_MS);
    expect(asked).toHaveLength(1);
    await sink.advance(MINUTE_MS);
    expect(asked).toHaveLength(2);
    feed.stop();
  });

  it("comes soon when something is expected to change", async () => {
    const { sink, feed, asked } = listing();
    await begin({ sink, feed });
    await sink.advance(5_000);
    feed.soon();
    await sink.advance(1_000);
    expect(asked).toHaveLength(3);
    feed.stop();
  });

  it("hands nothing on while the journal cannot be written", async () => {
    const { sink, feed, state, asked } = listing();
    await begin({ sink, feed });
    sink.takeTypes();
    state.list = [instance("i-1")];
    sink.accepting = false;
    await sink.advance(MINUTE_MS);
    expect(asked).toHaveLength(2);
    sink.accepting = true;
    await sink.advance(1_000);
    sink.accepting = false;
    await sink.advance(3_000);
    expect([asked.length, sink.takeTypes()]).toEqual([3, []]);
    sink.accepting = true;
    await sink.advance(3_000);
    expect(sink.takeTypes()).toEqual(["instance.seen", "instances.listed"]);
    feed.stop();
  });

  it("takes what no driver made for a bug", async () => {
    const { sink, feed, state, bugs } = listing();
    state.error = new TypeError("undefined is not a function");
    feed.start();
    await sink.advance(5_000);
    expect(bugs).toEqual([state.error]);
  });
});
