import { describe, expect, it } from "vitest";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { tellWorker } from "../../support/told-journal.ts";

const ID = containerId(1);
const HOUR_MS = 3_600_000;

function linesOf({ answer }: { answer: { because: readonly { text: string }[] } }): string[] {
  return answer.because.map(({ text }) => text);
}

/** An instance that was asked for; returns its worker's id. */
function asked(builder: CoreBuilder): string {
  builder.dispatching().container(ID, { state: "Locked" });
  builder.plan();
  return [...builder.readModel.all("worker")][0]?.context.workerId ?? "";
}

function probeFails(builder: CoreBuilder, workerId: string, error: string, silentMs = 0): void {
  builder.feed({
    type: "probe.failed",
    workerId,
    basedOnSeq: builder.core.seq,
    startedAtMs: builder.nowMs,
    lastGoodProbeAtMs: builder.nowMs - silentMs,
    booted: false,
    broken: false,
    error,
  });
}

const SEEN = {
  instanceId: "i-1",
  createdBy: null,
  address: "10.0.0.1",
  instanceType: "type2",
  providerType: "providertype2",
  idleBehavior: "run",
} as const;

function missTwice(builder: CoreBuilder, workerId: string): void {
  for (const _ of [1, 2]) {
    builder.nowMs += 1000;
    const listStartedAtMs = builder.nowMs;
    const missing = { workerId, listStartedAtMs, lastGoodProbeAtMs: 0 };
    builder.feed({ type: "instance.missing", ...missing, basedOnSeq: builder.core.seq });
  }
}

describe("why an instance was booted", () => {
  it("is the create decision, by the cloud's name or by the worker's", async () => {
    const builder = new CoreBuilder();
    const workerId = asked(builder);
    const seq = builder.core.seq;
    const askedAtMs = builder.nowMs;
    builder.nowMs += 2000;
    builder.createEnds("i-7");
    builder.nowMs += 3000;
    builder.feed({ type: "ssh.connected", workerId });
    probeFails(builder, workerId, "no disk yet");
    const told = await tellWorker(builder, "i-7");
    expect(told).toEqual(await tellWorker(builder, workerId));
    expect(told).toMatchObject({
      workerId,
      instanceId: "i-7",
      created: { seq, containerId: ID },
      found: null,
      boot: {
        askedForAtMs: askedAtMs,
        appearedAtMs: askedAtMs + 2000,
        sshConnectedAtMs: askedAtMs + 5000,
        readyAtMs: null,
        errors: [{ error: "no disk yet" }],
      },
    });
    expect(told.answer.text).toBe("is kept: it boots, for TimeoutBooting at most");
    expect(linesOf(told)).toEqual([
      "boot, last probe: no disk yet",
      `booted for ${ID}: no instance has room for it, and this is its cheapest eligible type`,
    ]);
  });

  it("is nobody's decision for one that was found", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-9", "type1");
    const told = await tellWorker(builder, "i-9");
    expect(told.created).toBeNull();
    expect(told.found?.reason).toBe(
      "the cloud listed it, and no create of this journal stands for it",
    );
  });

  it("is open while the cloud has not answered, and its lists have to tell when the answer was lost", async () => {
    const builder = new CoreBuilder();
    const workerId = asked(builder);
    const textNow = async (): Promise<string> => (await tellWorker(builder, workerId)).answer.text;
    expect(await textNow()).toBe("is being created: the cloud has not answered yet");
    builder.createEnds({ code: "timeout", message: "no answer within 60 s" });
    expect(await textNow()).toBe(
      "may have been created: the cloud's answer was lost, and its lists have to tell, for TimeoutBooting at least",
    );
  });

  it("ends with what the cloud said where it never came to be", async () => {
    const builder = new CoreBuilder();
    const workerId = asked(builder);
    builder.createEnds({ code: "quota", message: "no more than 0" });
    const told = await tellWorker(builder, workerId);
    expect(told.answer.text).toBe(
      "never came to be: the cloud refused to create it: no more than 0",
    );
    expect(told.cost).toMatchObject({ fromAtMs: null, amount: 0 });
  });
});

describe("why an instance is kept", () => {
  it("is its hold, with who asked and why, though it is idle", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-1", "type1");
    builder.nowMs += 1000;
    const hold = { workerId: "i-1", behavior: "hold", reason: "core dump wanted" } as const;
    builder.feed({ type: "behavior.requested", ...hold });
    const told = await tellWorker(builder, "i-1");
    expect(told.answer).toMatchObject({
      text: "is kept: it is idle, and on hold",
      sinceMs: builder.nowMs,
      untilMs: null,
    });
    expect(linesOf(told)[0]).toMatch(/^idle behaviour is hold: .*core dump wanted$/);
    expect(told.life).toMatchObject([
      { lifecycle: "unknown" },
      { lifecycle: "idle", idleBehavior: "run", toAtMs: builder.nowMs },
      { lifecycle: "idle", idleBehavior: "hold", toAtMs: null },
    ]);
  });

  it("is how long it may stay idle, and what runs on it when it is not", async () => {
    const builder = new CoreBuilder({ timeoutIdleMs: 60_000 }).dispatching();
    builder.instance("i-1", "type1").instance("i-2", "type1", [ID]);
    const idle = await tellWorker(builder, "i-1");
    expect(idle.answer.untilMs).toBe(builder.nowMs + 60_000);
    const busy = await tellWorker(builder, "i-2");
    expect(busy.answer.text).toBe("is kept: it runs 1 container");
    expect(linesOf(busy)[0]).toBe(`runs ${ID}`);
    expect(busy.runs).toMatchObject([{ containerId: ID, startReason: "", toSeq: null }]);
  });
});

describe("why an instance was destroyed", () => {
  it("tells how often the cloud has refused it, since when, and when it is asked again", async () => {
    const builder = new CoreBuilder({ timeoutShutdownMs: 10_000 });
    builder.dispatching().instance("i-1", "type2");
    builder.feed({ type: "shutdown.requested", workerId: "i-1", reason: "must go" });
    const sinceMs = builder.nowMs;
    for (let n = 1; n <= 4; n++) {
      if (n > 1) builder.nowMs += 60_000;
      if (n > 1) builder.feed({ type: "instance.seen", basedOnSeq: builder.core.seq, ...SEEN });
      const [destroy] = builder.journaled.at(-1)?.commands ?? [];
      expect(destroy?.kind).toBe("instance.destroy");
      const failure = { code: "refused", message: "i-1 is protected" } as const;
      const outcome = { workerId: "i-1", commandId: destroy?.id ?? "" };
      builder.feed({ type: "destroy.failed", ...outcome, failure });
    }
    const told = await tellWorker(builder, "i-1");
    const line = told.answer.because.find(({ text }) => text.startsWith("the cloud refused"));
    expect(line).toEqual({
      text: "the cloud refused to destroy it, 4 times, since 3m ago: i-1 is protected; next try in 10s, when a list still shows it",
      seq: null,
      atMs: sinceMs,
      untilMs: null,
    });
  });

  it("is the chain from the fact over the guard to the command, with every try and its end", async () => {
    const builder = new CoreBuilder({ timeoutIdleMs: 60_000, timeoutShutdownMs: 10_000 });
    builder.dispatching().instance("i-1", "type2");
    const bornAtMs = builder.nowMs;
    builder.nowMs += 60_000;
    const tick = { actorKind: "worker", actorId: "i-1", lastGoodProbeAtMs: 0 } as const;
    builder.feed({ type: "clock.ticked", ...tick });
    const shutdownSeq = builder.core.seq;
    const ending = await tellWorker(builder, "i-1");
    expect(ending.answer.text).toBe("is being destroyed: idle for TimeoutIdle");
    builder.nowMs += 20_000;
    const seen = { instanceId: "i-1", createdBy: null, address: "10.0.0.1" } as const;
    const tags = {
      instanceType: "type2",
      providerType: "providertype2",
      idleBehavior: "run",
    } as const;
    builder.feed({ type: "instance.seen", basedOnSeq: builder.core.seq, ...seen, ...tags });
    missTwice(builder, "i-1");
    const told = await tellWorker(builder, "i-1");
    expect(told.answer).toMatchObject({
      text: "was destroyed: idle for TimeoutIdle",
      sinceMs: builder.nowMs,
    });
    expect(linesOf(told).slice(0, 3)).toEqual([
      "its deadline was due → idleOverdue and not held → idle ⇒ shutdown → instance.destroy",
      "the cloud was asked 2 times to destroy it",
      "gone: two complete lists of the cloud in a row lacked it, and it gave no answer",
    ]);
    expect(told.shutdown).toMatchObject({ seq: shutdownSeq, step: { seq: shutdownSeq } });
    expect(told.destroys).toHaveLength(2);
    const costMs = builder.nowMs - bornAtMs;
    expect(told.cost).toEqual({
      pricePerHour: 0.246,
      fromAtMs: bornAtMs,
      toAtMs: builder.nowMs,
      amount: (0.246 * costMs) / HOUR_MS,
    });
  });

  it("is the planner's decision where the planner made it", async () => {
    const builder = new CoreBuilder({ maxInstances: 1 }).dispatching().instance("i-1", "type1");
    builder.container(ID, { vcpus: 4 });
    builder.plan();
    const told = await tellWorker(builder, "i-1");
    const decision = builder.journaled
      .at(-1)
      ?.decisions.find(({ do: done }) => done === "shutdown");
    expect(decision?.reason).toContain(ID);
    expect(told.answer.text).toBe(`is being destroyed: ${decision?.reason}`);
    expect(linesOf(told)[0]).toContain(`decided to shutdown: ${decision?.reason}`);
  });

  it("is the newest words of its boot probe where it never got ready", async () => {
    const builder = new CoreBuilder({ timeoutBootingMs: 60_000 });
    const workerId = asked(builder);
    builder.createEnds("i-7");
    probeFails(builder, workerId, "no disk");
    builder.nowMs += 60_000;
    probeFails(builder, workerId, "still no disk", 60_000);
    const told = await tellWorker(builder, workerId);
    expect(told.answer.text).toBe(
      "is being destroyed: boot timed out (TimeoutBooting 1m): no good answer to a probe for 1m",
    );
    expect(linesOf(told)[0]).toMatch(
      /^a probe of i-7 failed: still no disk → overdueForBoot and not held → booting ⇒ shutdown → /,
    );
    expect(told.boot).toMatchObject({ outcome: "failure", readyAtMs: null });
  });

  it("is nobody's doing when the cloud lost it", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-1", "type1");
    missTwice(builder, "i-1");
    const told = await tellWorker(builder, "i-1");
    expect(told.answer.text).toBe("disappeared from the cloud, and nobody here asked for it");
    expect(told.destroys).toEqual([]);
  });

  it("counts what came before a new price at the old one", async () => {
    const builder = new CoreBuilder().dispatching().instance("i-1", "type1");
    const { settings } = builder.core;
    if (!settings) throw new Error("no settings");
    builder.nowMs += HOUR_MS;
    const type1 = settings.instanceTypes["type1"];
    if (!type1) throw new Error("no type1");
    const instanceTypes = { ...settings.instanceTypes, type1: { ...type1, price: 1 } };
    const changed = { ...settings, instanceTypes };
    builder.feed({ type: "config.loaded", hash: "other", settings: changed });
    builder.nowMs += HOUR_MS;
    const told = await tellWorker(builder, "i-1");
    expect(told.cost.pricePerHour).toBe(1);
    expect(told.cost.amount).toBeCloseTo(0.123 + 1, 9);
  });
});
