import { describe, expect, it } from "vitest";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { tellContainer } from "../../support/told-journal.ts";

const ID = containerId(1);
const GIB = 2 ** 30;

function linesOf({ answer }: { answer: { because: readonly { text: string }[] } }): string[] {
  return answer.because.map(({ text }) => text);
}

/** The seq of the newest record. */
function seqOf(builder: CoreBuilder): number {
  return builder.core.seq;
}

function locked(builder: CoreBuilder, id = ID): CoreBuilder {
  builder.container(id, { state: "Locked" });
  builder.plan();
  return builder;
}

function probe(builder: CoreBuilder, workerId: string, containerIds: string[]): void {
  builder.feed({
    type: "probe.succeeded",
    workerId,
    basedOnSeq: builder.core.seq,
    startedAtMs: builder.nowMs,
    booted: true,
    containerIds,
    broken: false,
    stale: false,
    bootError: "",
  });
}

describe("why a container waits", () => {
  it("names the configured limit, and what takes the instances up", async () => {
    const builder = new CoreBuilder({ maxInstances: 2 }).dispatching();
    builder.instance("i-1", "type1", [containerId(8)]).instance("i-2", "type1");
    builder.feed({ type: "behavior.requested", workerId: "i-2", behavior: "hold", reason: "" });
    builder.container(ID);
    const sinceMs = (builder.nowMs += 1000);
    builder.plan();
    const waitSeq = seqOf(builder);
    builder.nowMs += 5000;
    const told = await tellContainer(builder, ID);
    expect(told.answer).toMatchObject({
      text: "waits: Waiting in queue.  The fleet is at the limit of MaxInstances 2.",
      sinceMs,
      untilMs: null,
    });
    expect(linesOf(told)).toEqual([
      "MaxInstances is 2: as many exist, are being created, or will be for containers in front of it",
      "instances now: 1 idle (hold), 1 running",
    ]);
    expect(told.waits).toMatchObject([
      {
        reason: "atMaxInstances",
        fromSeq: waitSeq,
        fromAtMs: sinceMs,
        toSeq: null,
        toAtMs: null,
        limits: [{ limit: "maxInstances", fromSeq: waitSeq, toSeq: null }],
      },
    ]);
  });

  it("tells what the cloud said of its quota, and when the limit fell", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-1", "type1", [containerId(8)]);
    locked(builder);
    builder.createEnds({ code: "quota", message: "no more than 1 CPU" });
    builder.plan();
    const closedSeq = seqOf(builder);
    const closed = await tellContainer(builder, ID);
    expect(closed.answer.text).toContain("Cluster is at cloud account limits");
    expect(linesOf(closed)[0]).toBe(
      "the cloud refused a create for lack of quota (until there are fewer than 1 instances): no more than 1 CPU",
    );
    builder.nowMs += 7000;
    const gone = { type: "instance.missing", workerId: "i-1", lastGoodProbeAtMs: 0 } as const;
    for (const _ of [1, 2]) {
      builder.nowMs += 1000;
      builder.feed({ ...gone, basedOnSeq: builder.core.seq, listStartedAtMs: builder.nowMs });
    }
    const basedOnSeq = builder.core.seq;
    const listed = { type: "instances.listed", basedOnSeq, instancesCount: 0 } as const;
    builder.feed({ ...listed, listStartedAtMs: builder.nowMs });
    const openedSeq = seqOf(builder);
    builder.plan();
    const { waits } = await tellContainer(builder, ID);
    const atQuota = waits.find(({ reason }) => reason === "atQuota");
    expect(atQuota?.limits).toMatchObject([
      { limit: "quota", fromSeq: closedSeq, toSeq: openedSeq, toAtMs: builder.nowMs },
    ]);
    expect(waits.at(-1)).toMatchObject({ reason: "booting", toSeq: null });
  });

  it("says which types the cloud has no capacity for, and until when that is believed", async () => {
    const builder = new CoreBuilder().dispatching();
    locked(builder);
    builder.createEnds({ code: "capacity", message: "sold out", scope: "type" });
    builder.plan();
    const told = await tellContainer(builder, ID);
    expect(told.answer.text).toBe(
      "waits: Waiting in queue.  Cluster is at capacity for all eligible instance types (type1) and cannot start a new instance right now.",
    );
    expect(told.answer.untilMs).toBe(builder.nowMs + 60_000);
    expect(linesOf(told)).toEqual(["the cloud has no capacity for providertype1: sold out"]);
  });

  it("tells what the instance said that boots for it", async () => {
    const builder = new CoreBuilder().dispatching();
    locked(builder);
    builder.createEnds("i-7");
    const [worker] = [...builder.readModel.all("worker")];
    const workerId = worker?.context.workerId ?? "";
    builder.feed({
      type: "probe.failed",
      workerId,
      basedOnSeq: builder.core.seq,
      startedAtMs: builder.nowMs,
      lastGoodProbeAtMs: builder.nowMs,
      booted: false,
      broken: false,
      error: "disk not mounted",
    });
    const told = await tellContainer(builder, ID);
    expect(told.answer.text).toBe(
      "waits: Waiting for a type1 instance to boot and be ready to accept work.",
    );
    expect(linesOf(told)).toEqual([
      "type1 i-7 is booting, asked for with it in mind; last error: disk not mounted",
    ]);
    expect(told.booting).toMatchObject([{ workerId, instanceId: "i-7", askedForIt: true }]);
  });

  it("gives a failed call with its text, and when it is tried again", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-1", "type1");
    builder.container(ID);
    const { record } = builder.plan();
    const commandId = record?.commands[0]?.id ?? "";
    const failure = { code: "unavailable", message: "database is down" } as const;
    const operation = { commandId, containerId: ID, operation: "lock", failure } as const;
    builder.feed({ type: "operation.failed", ...operation });
    const told = await tellContainer(builder, ID);
    expect(told.retry).toEqual({
      atMs: builder.nowMs + 500,
      error: "database is down",
      failuresCount: 1,
    });
    expect(told.answer.untilMs).toBe(builder.nowMs + 500);
    expect(linesOf(told)).toContain(
      "the last call to the queue failed (1 in a row): database is down",
    );
    const locking = told.steps.find(({ commands }) => commands.length > 0);
    expect(locking).toMatchObject({
      decisions: [{ do: "lock" }, { do: "wait" }],
      commands: [{ id: commandId, outcome: { ok: false, text: "unavailable: database is down" } }],
    });
  });

  it("says that a dispatcher that winds down starts nothing", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.feed({ type: "stop.requested", drain: true, reason: "upgrade" });
    builder.container(ID);
    builder.plan();
    const told = await tellContainer(builder, ID);
    expect(told.answer.text).toBe("waits (Queued): nothing is started now");
    expect(linesOf(told)).toEqual(["the dispatcher is stopping: upgrade"]);
  });

  it("names the limit on workflows", async () => {
    const builder = new CoreBuilder({ initialQuotaEstimate: 2, supervisorFraction: 0.5 });
    builder.dispatching().instance("i-1", "type16");
    for (const n of [1, 2]) builder.container(containerId(n), { supervisor: true, priority: "5" });
    builder.plan();
    const told = await tellContainer(builder, containerId(2));
    expect(told.answer.text).toMatch(/^waits: Waiting in workflow queue\./);
    expect(linesOf(told)[0]).toMatch(/^at most 1 workflows at once: SupervisorFraction 0\.5 of/);
  });
});

describe("what became of a container", () => {
  it("is that it can never run here, with the words of the decision", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(ID, { vcpus: 64 });
    const { record } = builder.plan();
    const cancel = record?.decisions.find((decision) => decision.do === "cancel");
    expect(cancel).toBeDefined();
    const waiting = await tellContainer(builder, ID);
    expect(waiting.answer.text).toBe(`can never run here: ${cancel?.reason} (${waiting.nearest})`);
    const commandId = record?.commands[0]?.id ?? "";
    const state = { state: "Cancelled", priority: null } as const;
    const ended = { commandId, containerId: ID, operation: "cancel", ...state } as const;
    builder.feed({ type: "operation.succeeded", ...ended });
    const told = await tellContainer(builder, ID);
    expect(told.answer).toMatchObject({
      text: `was cancelled by the dispatcher: ${cancel?.reason}`,
      sinceMs: builder.nowMs,
    });
    expect(linesOf(told)).toContain("it never ran on a worker");
    expect(told).toMatchObject({ instanceTypes: [], rejection: cancel?.reason });
  });

  it("is where it ran, why there, and how it ended, also when nobody knows it any more", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-1", "type1");
    builder.container(ID, { state: "Locked" });
    builder.plan();
    const startedSeq = seqOf(builder);
    const startedAtMs = builder.nowMs;
    builder.nowMs += 10;
    probe(builder, "i-1", [ID]);
    const running = await tellContainer(builder, ID);
    expect(running.answer.text).toBe("runs on type1 i-1");
    expect(linesOf(running)).toEqual(["started there: type1 i-1 is empty and ready"]);
    builder.nowMs += 5000;
    const basedOnSeq = builder.core.seq;
    const changed = { containerId: ID, basedOnSeq, priority: "1" } as const;
    builder.feed({ type: "container.changed", ...changed, state: "Complete" });
    builder.nowMs += 1000;
    probe(builder, "i-1", []);
    const endedAtMs = builder.nowMs;
    for (const _ of [1, 2]) builder.plan();
    const told = await tellContainer(builder, ID);
    expect(told.known).toBe(false);
    expect(told.answer).toMatchObject({
      text: "is Complete; with which exit code is not recorded",
      sinceMs: endedAtMs - 1000,
    });
    expect(told.runs).toMatchObject([
      {
        workerId: "i-1",
        startReason: "type1 i-1 is empty and ready",
        fromSeq: startedSeq,
        fromAtMs: startedAtMs,
        runningAtMs: startedAtMs + 10,
        toAtMs: endedAtMs,
        end: "exited: a probe no longer lists it",
        kill: null,
      },
    ]);
    expect(told.life.map(({ record, process }) => `${record} ${process}`)).toEqual([
      "Locked absent",
      "Locked starting",
      "Locked running",
      "Complete running",
      "Complete exited",
      "Complete absent",
    ]);
    expect(told.life.at(-1)?.toSeq).not.toBeNull();
  });

  it("is who had it killed, and how often it was told", async () => {
    const builder = new CoreBuilder({ timeoutTermMs: 4_000, timeoutSignalMs: 5_000 });
    builder.dispatching().instance("i-1", "type1", [ID]);
    builder.container(ID, { state: "Running", ram: GIB });
    builder.feed({ type: "kill.requested", containerId: ID, reason: "runs wild" });
    const killed = await tellContainer(builder, ID);
    expect(killed.answer.text).toBe("is being killed on type1 i-1");
    expect(linesOf(killed)).toEqual(["SIGTERM sent once: via management API: runs wild"]);
    builder.nowMs += 5_000;
    const tick = { actorKind: "worker", actorId: "i-1", lastGoodProbeAtMs: builder.nowMs } as const;
    builder.feed({ type: "clock.ticked", ...tick });
    const told = await tellContainer(builder, ID);
    expect(told.answer.text).toBe(
      "cannot be killed on type1 i-1: it does not obey SIGTERM, and its worker drains",
    );
    expect(told.runs[0]?.kill).toMatchObject({ signals: 1, givenUp: true });
  });

  it("is why its instance was taken from under it", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-1", "type1", [ID]);
    builder.container(ID, { state: "Running" });
    builder.feed({ type: "shutdown.requested", workerId: "i-1", reason: "bad disk" });
    const told = await tellContainer(builder, ID);
    expect(linesOf(told)).toContain("its instance was shut down: an operator asked: bad disk");
  });
});
