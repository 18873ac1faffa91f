import { describe, expect, it } from "vitest";
import { QueueError } from "../../../src/drivers/queue/port.ts";
import { containerId } from "../../support/containers.ts";
import { polling } from "../../support/polling-feed.ts";

const [X, Y, Z] = [1, 2, 3].map(containerId) as [string, string, string];

const unavailable = (): QueueError =>
  new QueueError({ code: "unavailable", message: "503" }, { status: 503 });

describe("a poll of the queue", () => {
  it("adds what is new with its mounts, then tells its watermark and wakes the planner", async () => {
    const { sink, feed, state, mounts } = polling();
    state.entries = { [X]: { state: "Queued" }, [Y]: { state: "Running", priority: "7" } };
    const basedOnSeq = sink.seq;
    feed.start();
    await sink.advance(1_100);
    expect(mounts).toEqual([X, Y]);
    expect(sink.facts.map(({ type }) => type)).toEqual([
      "container.added",
      "container.added",
      "queue.polled",
    ]);
    expect(sink.facts[0]).toMatchObject({
      containerId: X,
      basedOnSeq,
      record: { tmpMounts: 12_345 },
    });
    expect([feed.polledSeq(), sink.replansCount]).toEqual([basedOnSeq, 1]);
    feed.stop();
  });

  it("tells what workers had answered when the newest complete poll began", async () => {
    const { sink, feed, state } = polling();
    state.answeredSeq = 7;
    state.takesMs = 2_000;
    feed.start();
    await sink.advance(1_000);
    state.answeredSeq = 9;
    expect(feed.answeredSeq()).toBe(0);
    await sink.advance(2_000);
    expect(feed.answeredSeq()).toBe(7);
    state.error = unavailable();
    await sink.advance(12_000);
    expect(feed.answeredSeq()).toBe(7);
    state.error = undefined;
    await sink.advance(12_000);
    expect(feed.answeredSeq()).toBe(9);
    feed.stop();
  });

  it("hands on changes of state and priority only", async () => {
    const { sink, feed, state, mounts } = polling();
    state.entries = { [X]: {}, [Y]: {}, [Z]: {} };
    feed.start();
    await sink.advance(2_000);
    sink.takeTypes();
    state.entries = { [X]: { state: "Locked" }, [Y]: { priority: "0" }, [Z]: { vcpus: 7 } };
    const { seq } = sink;
    await sink.advance(11_000);
    expect(sink.facts).toEqual([
      expect.objectContaining({ type: "container.changed", containerId: X, state: "Locked" }),
      expect.objectContaining({ type: "container.changed", containerId: Y, priority: "0" }),
      expect.objectContaining({ type: "queue.polled", basedOnSeq: seq }),
    ]);
    expect(mounts).toHaveLength(3);
    sink.takeTypes();
    await sink.advance(11_000);
    expect(sink.takeTypes()).toEqual(["queue.polled"]);
    feed.stop();
  });

  it("hands on the name, and how one ended, cut and without secrets", async () => {
    const { sink, feed, state } = polling();
    state.entries = { [X]: { name: `token ${"n".repeat(900)}` } };
    feed.start();
    await sink.advance(2_000);
    const [added] = sink.facts;
    expect(added).toMatchObject({ type: "container.added", record: { tmpMounts: 12_345 } });
    const name = added?.type === "container.added" ? (added.record.name ?? "") : "";
    expect([name.slice(0, 3), name.length]).toEqual(["… n", 200]);
    sink.takeTypes();
    state.entries = { [X]: { state: "Complete" } };
    state.ends = { [X]: { exitCode: 3, error: "a token", warning: "w".repeat(5_000) } };
    await sink.advance(11_000);
    expect(sink.facts[0]).toMatchObject({
      type: "container.changed",
      state: "Complete",
      end: { exitCode: 3, error: "a …", warning: "w".repeat(2_000) },
    });
    feed.stop();
  });

  it("asks after those that have not ended, and drops what it no longer shows", async () => {
    const { sink, feed, state, asked, record } = polling();
    state.entries = { [X]: {}, [Y]: { state: "Complete" } };
    feed.start();
    await sink.advance(2_000);
    state.entries = { [X]: {} };
    await sink.advance(11_000);
    expect(asked[1]).toEqual([X]);
    expect([record(X), record(Y)]).toEqual(["Queued", undefined]);
    feed.stop();
  });

  it("does not judge by what it read before our own call ended", async () => {
    const { sink, feed, state, record } = polling();
    state.entries = { [X]: {} };
    feed.start();
    await sink.advance(11_500);
    sink.decide([{ do: "lock", container: X, reason: "test" }]);
    const outcome = { commandId: "j1-1-1", operation: "lock", priority: "1" } as const;
    void sink.submit({ type: "operation.succeeded", containerId: X, ...outcome, state: "Locked" });
    state.entries = {};
    await sink.advance(1_000);
    expect(record(X)).toBe("Locked");
    feed.stop();
  });

  it("cancels what cannot be read, once, and leaves alone what is known already", async () => {
    const { sink, feed, state, record } = polling();
    state.entries = { [Y]: {} };
    feed.start();
    await sink.advance(2_000);
    sink.takeTypes();
    state.rejected = {
      [X]: { state: "Queued", error: "priority: a token" },
      [Y]: { state: "Queued", error: "priority: not a number" },
      [Z]: { state: null, error: "state: unknown" },
    };
    await sink.advance(11_000);
    expect(sink.facts[0]).toMatchObject({
      type: "container.rejected",
      containerId: X,
      error: "priority: a …",
    });
    expect(sink.takeTypes()).toEqual(["container.rejected", "queue.polled"]);
    expect([record(X), record(Y), record(Z)]).toEqual(["Queued", "Queued", undefined]);
    await sink.advance(11_000);
    expect(sink.takeTypes()).toEqual(["queue.polled"]);
    feed.stop();
  });

  it("tries again with the next poll when mounts cannot be had", async () => {
    const { sink, feed, state, outcomes, record } = polling();
    state.entries = { [X]: {} };
    state.mountsError = unavailable();
    feed.start();
    await sink.advance(2_000);
    expect([record(X), outcomes]).toEqual([undefined, ["", `error getting mounts of ${X}: 503`]]);
    state.mountsError = undefined;
    await sink.advance(11_000);
    expect(record(X)).toBe("Queued");
    feed.stop();
  });

  it("is not over before all is known that may run: what is not known would be ended", async () => {
    const { sink, feed, state } = polling();
    state.entries = { [X]: { state: "Running" }, [Y]: { state: "Queued" } };
    state.mountsError = unavailable();
    feed.start();
    await sink.advance(1_500);
    expect([sink.takeTypes(), feed.polledSeq(), sink.replansCount]).toEqual([[], 0, 0]);
    state.mountsError = undefined;
    await sink.advance(3_000);
    expect(sink.takeTypes()).toEqual(["container.added", "container.added", "queue.polled"]);
    expect([feed.polledSeq() > 0, sink.replansCount]).toEqual([true, 1]);
    feed.stop();
  });

  it("rejects a container whose mounts cannot be decoded, with the words of specification §4.4", async () => {
    const { sink, feed, state } = polling();
    state.entries = { [X]: { state: "Locked" } };
    const words = "json: cannot unmarshal";
    state.mountsError = new QueueError({ code: "other", message: words }, { undecodable: true });
    feed.start();
    await sink.advance(2_000);
    expect(sink.facts[0]).toMatchObject({
      type: "container.rejected",
      state: "Locked",
      error: `error getting mounts from container record: ${words}`,
    });
    feed.stop();
  });

  it("is tried every second until the first one comes through", async () => {
    const { sink, feed, state, asked, outcomes } = polling();
    state.error = unavailable();
    state.takesMs = 0;
    feed.start();
    await sink.advance(3_500);
    expect([asked.length, feed.polledSeq(), sink.takeTypes()]).toEqual([4, 0, []]);
    state.error = undefined;
    await sink.advance(1_000);
    state.error = unavailable();
    await sink.advance(9_000);
    expect(asked).toHaveLength(5);
    expect(outcomes.at(-1)).toBe("");
    feed.stop();
  });

  it("pauses at least as long as it took", async () => {
    const { sink, feed, state, asked } = polling(5_000);
    state.takesMs = 20_000;
    feed.start();
    await sink.advance(39_000);
    expect(asked).toHaveLength(1);
    await sink.advance(2_000);
    expect(asked).toHaveLength(2);
    feed.stop();
  });

  it("is given up at its deadline, and keeps the threshold of the last good one", async () => {
    const { sink, feed, state, outcomes } = polling();
    feed.start();
    await sink.advance(2_000);
    const polledSeq = feed.polledSeq();
    sink.unknown("i-1");
    state.takesMs = 40_000;
    await sink.advance(50_000);
    expect([outcomes.at(-1), feed.polledSeq()]).toEqual(["no answer within 30s", polledSeq]);
    feed.stop();
  });

  it("comes soon when a record is expected to have changed", async () => {
    const { sink, feed, asked } = polling();
    feed.start();
    await sink.advance(2_000);
    feed.soon();
    await sink.advance(500);
    expect(asked).toHaveLength(2);
    feed.stop();
  });

  it("hands nothing on while the journal cannot be written", async () => {
    const { sink, feed, state, asked } = polling();
    state.entries = { [X]: {} };
    feed.start();
    await sink.advance(500);
    sink.accepting = false;
    await sink.advance(5_000);
    expect([asked.length, sink.takeTypes(), feed.polledSeq()]).toEqual([1, [], 0]);
    sink.accepting = true;
    await sink.advance(2_000);
    expect(sink.takeTypes()).toEqual(["container.added", "queue.polled"]);
    feed.stop();
  });

  it("takes what no driver made for a bug", async () => {
    const { sink, feed, state, bugs } = polling();
    state.error = new TypeError("undefined is not a function");
    feed.start();
    await sink.advance(5_000);
    expect(bugs).toEqual([state.error]);
  });
});
