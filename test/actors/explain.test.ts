import { describe, expect, it } from "vitest";
import { makeExplainer } from "../../src/actors/timeline/explain.ts";
import { TimelineError } from "../../src/actors/timeline/walk.ts";
import { BusyError } from "../../src/actors/turns.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { journalOf, journalOfBuilder, saveState, tell } from "../support/told-journal.ts";

const ID = containerId(1);

/** Waits for quota, with as many records about others before and behind as asked for. */
function waiting(othersBefore = 0, othersBehind = 0): CoreBuilder {
  const builder = new CoreBuilder({ maxInstances: 1 }).dispatching();
  builder.instance("i-1", "type1", [containerId(99)]);
  for (let n = 0; n < othersBefore; n++) builder.container(containerId(100 + n));
  builder.container(ID);
  builder.plan();
  for (let n = 0; n < othersBehind; n++) builder.container(containerId(500 + n));
  return builder;
}

function forget(builder: CoreBuilder): void {
  const basedOnSeq = builder.core.seq;
  builder.feed({ type: "container.missing", containerId: ID, basedOnSeq });
}

describe("explaining from a journal", () => {
  it("begins at the newest checkpoint before the first record that counts, and comes to the same", async () => {
    const builder = new CoreBuilder({ maxInstances: 1 }).dispatching();
    builder.instance("i-1", "type1", [containerId(99)]);
    const early = await journalOfBuilder(builder);
    await saveState(early, builder);
    const checkpointSeq = builder.core.seq;
    builder.container(ID);
    builder.plan();
    await early.append(builder.journaled.slice(checkpointSeq));
    const fromCheckpoint = await tell(early, ID);
    expect(fromCheckpoint?.coverage).toMatchObject({ fromSeq: checkpointSeq + 1, missing: "" });
    const whole = await tell(await journalOfBuilder(builder), ID);
    expect(whole?.coverage.fromSeq).toBe(1);
    const coverage = whole?.coverage;
    expect({ ...fromCheckpoint, coverage }).toEqual(whole);
  });

  it("stops where nobody knows it any more", async () => {
    const builder = waiting();
    forget(builder);
    const lastSeq = builder.core.seq;
    for (let n = 0; n < 50; n++) builder.container(containerId(500 + n));
    const told = await tell(await journalOfBuilder(builder), ID);
    expect(told).toMatchObject({ known: false, coverage: { toSeq: lastSeq } });
  });

  it("knows what its pruned beginning left behind, and says that it is gone", async () => {
    const builder = waiting();
    const journal = await journalOfBuilder(builder);
    await saveState(journal, builder);
    builder.nowMs += 1000;
    builder.container(containerId(2));
    await journal.append(builder.journaled.slice(-1));
    await journal.prune({ nowMs: builder.nowMs, maxAgeMs: 500 });
    const told = await tell(journal, ID);
    expect(told).toMatchObject({
      kind: "container",
      known: true,
      waits: [{ reason: "atMaxInstances" }],
    });
    expect(told?.coverage.missing).toMatch(
      /is no longer in the journal: older records were pruned$/,
    );
    const worker = await tell(journal, "i-1");
    expect(worker).toMatchObject({ kind: "worker", instanceId: "i-1", lifecycle: "running" });
  });

  it("says so when more records than allowed would have to be read", async () => {
    const journal = await journalOfBuilder(waiting(0, 40));
    const told = await tell(journal, ID, { recordsMax: 30 });
    expect(told?.coverage.toSeq).toBe(30);
    expect(told?.coverage.missing).toMatch(/^truncated: it was read up to record 30 /);
  });

  it("rather leaves out the beginning than the end of one that lives", async () => {
    const builder = waiting(0, 40);
    const journal = await journalOfBuilder(builder);
    await saveState(journal, builder);
    const savedSeq = builder.core.seq;
    builder.container(containerId(3));
    await journal.append(builder.journaled.slice(-1));
    const live = builder.readModel;
    const told = await tell(journal, ID, { recordsMax: 30, live });
    expect(told?.coverage).toMatchObject({ fromSeq: savedSeq + 1, toSeq: builder.core.seq });
    expect(told?.coverage.missing).toMatch(/is left out: that is more than 30 records/);
    expect(told).toMatchObject({ known: true, waits: [{ reason: "atMaxInstances" }] });
  });

  it("tells of any moment what a journal that ends there tells", async () => {
    const builder = new CoreBuilder({ maxInstances: 1 }).dispatching();
    builder.container(ID, { state: "Locked" });
    builder.plan();
    builder.createEnds("i-7");
    builder.nowMs += 1000;
    builder.container(containerId(2));
    builder.plan();
    builder.nowMs += 1000;
    forget(builder);
    builder.container(containerId(3));
    const journal = await journalOfBuilder(builder);
    const live = builder.readModel;
    const workerId = live.workerOf("i-7")?.context.workerId ?? "";
    for (let atSeq = 1; atSeq <= builder.core.seq; atSeq++) {
      const cut = await journalOf(builder.journaled.slice(0, atSeq));
      for (const id of [ID, containerId(2), containerId(3), workerId]) {
        const expected = await tell(cut, id);
        expect(await tell(journal, id, { atSeq }), `${id} at ${atSeq}`).toEqual(expected);
        const now = { live, nowMs: builder.nowMs + 1 };
        expect(await tell(journal, id, { ...now, atSeq }), `${id} at ${atSeq}`).toEqual(expected);
      }
    }
  });

  it("leaves nothing out of a moment for what came long after it", async () => {
    const builder = waiting(0, 10);
    const journal = await journalOfBuilder(builder);
    await saveState(journal, builder);
    const savedSeq = builder.core.seq;
    for (let n = 0; n < 20; n++) builder.container(containerId(600 + n));
    forget(builder);
    await journal.append(builder.journaled.slice(savedSeq));
    const recordsMax = builder.core.seq - 5;
    const told = await tell(journal, ID, { atSeq: savedSeq + 2, recordsMax });
    expect(told?.coverage).toMatchObject({ fromSeq: 1, toSeq: savedSeq + 2, missing: "" });
  });

  it("knows nothing of what the journal does not name", async () => {
    const builder = waiting();
    const journal = await journalOfBuilder(builder);
    for (const id of ["i-2", "nothing", containerId(77), "j1-999-1", "j1-x-1", "constructor"]) {
      expect(await tell(journal, id)).toBeUndefined();
      expect(await tell(journal, id, { live: builder.readModel })).toBeUndefined();
    }
  });

  it("finds an instance under the cloud's name long after it is gone", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(ID, { state: "Locked" });
    builder.plan();
    builder.createEnds("i-7");
    const workerId = builder.readModel.workerOf("i-7")?.context.workerId ?? "";
    for (const _ of [1, 2]) {
      builder.nowMs += 1000;
      const missing = { workerId, listStartedAtMs: builder.nowMs, lastGoodProbeAtMs: 0 };
      builder.feed({ type: "instance.missing", ...missing, basedOnSeq: builder.core.seq });
    }
    const journal = await journalOfBuilder(builder);
    const live = builder.readModel;
    expect(live.workerOf("i-7")).toBeUndefined();
    expect(await tell(journal, "i-7", { live })).toMatchObject({ workerId, known: false });
  });

  it("tells the whole life of an instance that a list showed under its own name first", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(ID, { state: "Locked" });
    builder.plan();
    builder.createEnds("i-7");
    const journal = await journalOfBuilder(builder);
    await saveState(journal, builder);
    const savedSeq = builder.core.seq;
    // Its tag with the secret is lost: the index names it by the instance.
    builder.feed({
      type: "instance.seen",
      basedOnSeq: savedSeq,
      instanceId: "i-7",
      createdBy: null,
      address: "10.0.0.9",
      instanceType: "type1",
      providerType: "providertype1",
      idleBehavior: "run",
    });
    await journal.append(builder.journaled.slice(savedSeq));
    expect(await tell(journal, "i-7")).toMatchObject({ created: { containerId: ID } });
  });

  it("refuses records that this version cannot fold", async () => {
    const builder = waiting();
    const journal = await journalOfBuilder(builder);
    const broken = { ...builder.journaled[0], seq: builder.core.seq + 1 };
    Object.assign(broken, {
      fact: { type: "container.added", containerId: ID, atMs: 0, record: null },
    });
    await journal.append([broken as never]);
    await expect(tell(journal, ID)).rejects.toThrow(TimelineError);
  });

  it("ends when nobody waits for the answer any more", async () => {
    const journal = await journalOfBuilder(waiting(300));
    const gone = new AbortController();
    const pause = async (): Promise<void> => gone.abort(new Error("the client has gone"));
    const told = tell(journal, ID, { pause, signal: gone.signal });
    await expect(told).rejects.toThrow("the client has gone");
  });
});

describe("a dispatcher's explainer", () => {
  it("serves one at a time, and refuses when too many wait", async () => {
    const builder = waiting();
    const journal = await journalOfBuilder(builder);
    const shared = { journal, live: builder.readModel, nowMs: () => builder.nowMs };
    const explain = makeExplainer({ ...shared, recordsMax: Infinity, pause: async () => {} });
    const never = new AbortController().signal;
    const asked = Array.from({ length: 9 }, () => explain(ID, never));
    const settled = await Promise.allSettled(asked);
    expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(8);
    expect(settled.at(-1)).toMatchObject({ reason: expect.any(BusyError) });
    expect(await explain(ID, never)).toMatchObject({ kind: "container" });
  });
});
