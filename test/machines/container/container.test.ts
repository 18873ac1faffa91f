import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  containerMachine,
  isForgotten,
} from "../../../src/machines/container/container.machine.ts";
import type { ContainerSnapshot } from "../../../src/machines/container/container.machine.ts";
import type { ContainerEvent } from "../../../src/machines/container/container.types.ts";
import { dueAtMs } from "../../../src/machines/core/due.ts";
import type { CommandDraft } from "../../../src/machines/model/command.ts";
import type { ContainerState } from "../../../src/machines/model/fact.ts";
import { start, step } from "../../../src/machines/step.ts";
import { containerRecord } from "../../support/containers.ts";
import { settings } from "../../support/settings.ts";

type Told = ContainerEvent extends infer E
  ? E extends ContainerEvent
    ? Omit<E, "seq" | "settings" | "atMs" | "containerId">
    : never
  : never;

const ID = "zzzzz-dz642-000000000000001";
const STATES = ["Queued", "Locked", "Running", "Complete", "Cancelled"] as const;
const DECIDED = ["lock", "unlock", "requeue", "cancel"] as const;
const CALLING = {
  lock: "locking",
  unlock: "unlocking",
  requeue: "requeueing",
  cancel: "cancelling",
} as const;

/** A container's chart, fed by hand: each event is the next `seq`. */
class Rig {
  snapshot: ContainerSnapshot;
  commands: readonly CommandDraft[] = [];
  seq = 10;
  nowMs = 1_000_000;

  constructor(state?: ContainerState, priority = "5") {
    const born = start(containerMachine, { containerId: ID, atMs: this.nowMs, seq: this.seq });
    this.snapshot = born.snapshot;
    if (!state) return;
    const choice = {
      resources: this.context.resources,
      instanceTypes: ["type1"],
      unfit: "",
    };
    const record = containerRecord({ state, priority });
    this.send({ type: "container.added", basedOnSeq: this.seq, record, choice });
  }

  get value(): ContainerSnapshot["value"] {
    return this.snapshot.value;
  }

  get context(): ContainerSnapshot["context"] {
    return this.snapshot.context;
  }

  get kinds(): string[] {
    return this.commands.map(({ kind }) => kind);
  }

  send(told: Told): this {
    this.seq++;
    const delivered = { atMs: this.nowMs, seq: this.seq, settings: settings(), containerId: ID };
    const event = { ...told, ...delivered } as ContainerEvent;
    const { snapshot, commands } = step(containerMachine, this.snapshot, event);
    Object.assign(this, { snapshot, commands });
    return this;
  }

  decided(what: (typeof DECIDED)[number] | "kill" | "forget"): this {
    return this.send({ type: `${what}.decided`, reason: "test" });
  }

  polled(state: ContainerState, options: { priority?: string; basedOnSeq?: number } = {}): this {
    const { priority = this.context.priority, basedOnSeq = this.seq } = options;
    return this.send({ type: "container.changed", basedOnSeq, state, priority });
  }

  succeeded(operation: "lock" | "unlock" | "cancel", state: ContainerState): this {
    const outcome = { commandId: "j1-1-1", operation, state, priority: null };
    return this.send({ type: "operation.succeeded", ...outcome });
  }

  failed(
    operation: "lock" | "unlock" | "cancel" = "lock",
    code: "unavailable" | "timeout" = "unavailable",
  ): this {
    const failure = { code, message: "503" };
    return this.send({ type: "operation.failed", commandId: "j1-1-1", operation, failure });
  }

  process(what: "starting" | "seen" | "unkillable", workerId = "w1"): this {
    return this.send({ type: `process.${what}`, workerId });
  }

  killing(workerId = "w1"): this {
    return this.send({ type: "process.killing", workerId, reason: "priority=0" });
  }

  ended(how: "exited" | "abandoned" = "exited", workerId = "w1"): this {
    return this.send({ type: "process.ended", how, workerId });
  }

  ticked(): this {
    const tick = { actorKind: "container", actorId: ID, lastGoodProbeAtMs: null } as const;
    return this.send({ type: "clock.ticked", ...tick });
  }

  restarted(): this {
    return this.send({ type: "daemon.started", version: "test", journalId: "j1" });
  }
}

describe("the record", () => {
  it.each(STATES)("is what the first poll says: %s", (state) => {
    const rig = new Rig(state);
    expect(rig.value).toEqual({ record: state, operation: "none", process: "absent" });
    expect(rig.context).toMatchObject({ priority: "5", instanceTypes: ["type1"] });
  });

  it("follows the polls from any state to any other, as a whole or only in priority", () => {
    for (const from of STATES)
      for (const to of STATES) {
        const rig = new Rig(from).polled(to, { priority: "99999999999999999999" });
        expect([rig.value.record, rig.context.priority]).toEqual([to, "99999999999999999999"]);
      }
  });

  it("is not undone by a poll that began before our call ended (specification §4.2)", () => {
    const rig = new Rig("Queued").decided("lock");
    const basedOnSeq = rig.seq;
    rig.succeeded("lock", "Locked");
    const before = rig.snapshot;
    expect(rig.polled("Queued", { basedOnSeq }).snapshot).toBe(before);
    expect(rig.send({ type: "container.missing", basedOnSeq }).snapshot).toBe(before);
    expect(rig.polled("Cancelled").value.record).toBe("Cancelled");
  });

  it("is not judged by a poll that began before a call of ours failed", () => {
    const rig = new Rig("Queued").decided("lock");
    const basedOnSeq = rig.seq;
    const before = rig.failed().snapshot;
    expect(rig.polled("Running", { basedOnSeq }).snapshot).toBe(before);
  });

  it("takes over state and priority from our own calls, with or without a priority", () => {
    const rig = new Rig("Locked").decided("unlock");
    const outcome = { commandId: "j1-1-1", operation: "unlock" } as const;
    rig.send({ type: "operation.succeeded", ...outcome, state: "Cancelled", priority: "0" });
    expect([rig.value.record, rig.context.priority]).toEqual(["Cancelled", "0"]);
    const other = new Rig("Queued").decided("lock").succeeded("lock", "Locked");
    expect([other.value.record, other.context.priority]).toEqual(["Locked", "5"]);
  });

  it("never comes back by the answer to a call once the queue has dropped it (specification §4.5)", () => {
    const rig = new Rig("Queued").decided("lock");
    rig.send({ type: "container.missing", basedOnSeq: rig.seq }).succeeded("lock", "Locked");
    expect(rig.value.record).toBe("unlisted");
    expect(isForgotten(rig.snapshot)).toBe(true);
  });

  it("is chosen types for once, and anew only when it had been dropped", () => {
    const rig = new Rig("Queued");
    const choice = {
      resources: rig.context.resources,
      instanceTypes: ["type2"],
      unfit: "",
    };
    const record = containerRecord();
    const before = rig.snapshot;
    const added = { type: "container.added", basedOnSeq: 11, record, choice } as const;
    expect(rig.send(added).snapshot).toBe(before);
    rig.decided("forget").send({ ...added, basedOnSeq: rig.seq });
    expect(rig.context.instanceTypes).toEqual(["type2"]);
    expect(rig.context.firstSeenSeq).toBe(rig.seq);
  });

  it("remembers why it waits, and changes for nothing else", () => {
    const rig = new Rig("Queued").send({ type: "wait.decided", reason: "atQuota" });
    expect(rig.context).toMatchObject({ waitReason: "atQuota", waitSinceMs: rig.nowMs });
    const before = rig.snapshot;
    expect(rig.send({ type: "wait.decided", reason: "atQuota" }).snapshot).toBe(before);
    expect(rig.send({ type: "wait.decided", reason: "" }).context.waitReason).toBe("");
  });
});

describe("the operation", () => {
  it.each(DECIDED)("%s is one call, and keeps every other one out", (what) => {
    const rig = new Rig("Queued").decided(what);
    const kind = what === "requeue" ? "container.unlock" : `container.${what}`;
    expect([rig.value.operation, rig.kinds]).toEqual([CALLING[what], [kind]]);
    const before = rig.snapshot;
    for (const other of DECIDED) {
      rig.decided(other);
      expect([rig.snapshot === before, rig.kinds]).toEqual([true, []]);
    }
  });

  it.each(DECIDED)("%s pauses longer and longer when it fails, up to a limit", (what) => {
    const rig = new Rig("Queued");
    const operation = what === "requeue" ? "unlock" : what;
    const pauses: number[] = [];
    for (let n = 0; n < 9; n++) {
      rig.decided(what).failed(operation);
      expect([rig.value.operation, rig.context.lastError]).toEqual(["pausing", "503"]);
      expect(rig.decided(what).kinds).toEqual([]);
      const dueMs = dueAtMs("container", rig.snapshot) ?? 0;
      pauses.push(dueMs - rig.nowMs);
      rig.nowMs = dueMs - 1;
      expect(rig.ticked().value.operation).toBe("pausing");
      rig.nowMs = dueMs;
      expect(rig.ticked().value.operation).toBe("none");
    }
    expect(pauses).toEqual([500, 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    rig.decided(what).succeeded(operation, "Queued").decided(what).failed(operation);
    expect(rig.context.failuresCount).toBe(1);
  });

  it("cancels with the words for the user when the record was rejected", () => {
    const rig = new Rig().send({
      type: "container.rejected",
      basedOnSeq: 10,
      state: "Queued",
      error: "no suitable instance type",
    });
    expect([rig.value.record, rig.kinds]).toEqual(["Queued", []]);
    rig.decided("cancel");
    expect(rig.commands).toEqual([
      { kind: "container.cancel", containerId: ID, error: "no suitable instance type" },
    ]);
    expect(new Rig("Running").decided("cancel").commands).toEqual([
      { kind: "container.cancel", containerId: ID },
    ]);
  });

  it.each(DECIDED)("%s that was in flight at a crash is over, and never sent again", (what) => {
    const rig = new Rig("Queued").decided(what);
    const basedOnSeq = rig.seq;
    rig.restarted();
    expect([rig.value.operation, rig.kinds]).toEqual(["none", []]);
    // Its outcome is unknown: only a poll that begins now can tell.
    expect(rig.polled("Locked", { basedOnSeq }).value.record).toBe("Queued");
    expect(rig.polled("Locked").value.record).toBe("Locked");
  });

  it("pauses for long after a lock or an unlock without an answer, which may yet arrive", () => {
    const pauseMs = (
      operation: "lock" | "unlock" | "cancel",
      code: "timeout" | "unavailable",
    ): number => {
      const rig = new Rig(operation === "lock" ? "Queued" : "Locked").decided(operation);
      return (rig.failed(operation, code).context.retryAtMs ?? 0) - rig.nowMs;
    };
    expect(pauseMs("unlock", "timeout")).toBe(60_000);
    expect(pauseMs("unlock", "unavailable")).toBe(500);
    expect(pauseMs("lock", "timeout")).toBe(60_000);
    expect(pauseMs("lock", "unavailable")).toBe(500);
    expect(pauseMs("cancel", "timeout")).toBe(500);
  });

  it("goes on soon once a poll shows the lock that had no answer", () => {
    const lost = (): Rig => new Rig("Queued").decided("lock").failed("lock", "timeout");
    const leftMs = (rig: Rig): number => (dueAtMs("container", rig.snapshot) ?? 0) - rig.nowMs;
    expect(leftMs(lost().polled("Locked"))).toBe(500);
    const old = lost();
    expect(leftMs(old.polled("Locked", { basedOnSeq: old.seq - 1 }))).toBe(60_000);
    expect(leftMs(lost().polled("Queued", { priority: "6" }))).toBe(60_000);
    const unlock = new Rig("Locked").decided("unlock").failed("unlock", "timeout");
    expect(leftMs(unlock.polled("Queued").polled("Locked"))).toBe(60_000);
  });

  it("goes on after a restart without its pause", () => {
    const rig = new Rig("Queued").decided("lock").failed().restarted();
    expect([rig.value.operation, dueAtMs("container", rig.snapshot)]).toEqual(["none", null]);
  });

  it("is a kill until the last process has ended, wherever it runs", () => {
    const rig = new Rig("Running").process("seen", "w1").process("seen", "w2").killing("w1");
    rig.killing("w2");
    expect(rig.value.operation).toBe("killing");
    expect(rig.decided("cancel").kinds).toEqual([]);
    expect(rig.ended("exited", "w1").value).toMatchObject({
      operation: "killing",
      process: "running",
    });
    expect(rig.ended("exited", "w2").value).toMatchObject({ operation: "none", process: "exited" });
  });

  it("is a kill also out of a pause, which is then over", () => {
    const rig = new Rig("Locked").process("seen").decided("unlock").failed("unlock").killing();
    expect([rig.value.operation, dueAtMs("container", rig.snapshot)]).toEqual(["killing", null]);
  });

  it("is not two at once when a kill begins while a call is in flight", () => {
    const rig = new Rig("Queued").process("seen").decided("lock").killing();
    expect(rig.value.operation).toBe("locking");
    expect(rig.succeeded("lock", "Locked").value.operation).toBe("none");
  });
});

describe("the process", () => {
  it("is what workers report of it, one after the other", () => {
    const rig = new Rig("Locked").process("starting");
    expect(rig.value.process).toBe("starting");
    expect(rig.process("seen").value.process).toBe("running");
    expect(rig.process("unkillable").value.process).toBe("unkillable");
    expect(rig.ended().value.process).toBe("exited");
    expect(rig.context).toMatchObject({ exitedSeq: rig.seq, exitedAtMs: rig.nowMs });
  });

  it("is the worst of what several workers report", () => {
    const rig = new Rig("Running").process("starting", "w1").process("seen", "w2");
    expect(rig.value.process).toBe("running");
    expect(rig.process("unkillable", "w1").value.process).toBe("unkillable");
    expect(rig.ended("exited", "w1").value.process).toBe("running");
    expect(rig.context.exitedSeq).toBeNull();
    expect(rig.ended("exited", "w2").value.process).toBe("exited");
  });

  it("is the worst of what any workers report, in any order, and how the last one ended", () => {
    const notice = fc.record({
      what: fc.constantFrom("starting", "seen", "unkillable", "exited", "abandoned"),
      workerId: fc.constantFrom("w1", "w2", "w3"),
    });
    const came = new Set<string>();
    fc.assert(
      fc.property(fc.array(notice, { maxLength: 30, size: "max" }), (notices) => {
        const rig = new Rig("Running");
        for (const { what, workerId } of notices) {
          const before = rig.value.process;
          const isKnown = workerId in rig.context.processes;
          // A worker starts what it has no process of, and ends what it has one of.
          if (what === "starting" ? isKnown : what !== "seen" && !isKnown) continue;
          if (what === "exited" || what === "abandoned") rig.ended(what, workerId);
          else rig.process(what, workerId);
          const reports = Object.values(rig.context.processes);
          const worst = (["unkillable", "running", "starting"] as const).find((report) =>
            reports.includes(report),
          );
          expect(rig.value.process).toBe(worst ?? (what === "exited" ? "exited" : "absent"));
          came.add(`${before} ${rig.value.process}`);
        }
      }),
      { numRuns: 300, seed: 20_261_129 },
    );
    // From one in which nothing runs, it is started or seen to run; else each leads to each.
    expect(came.size).toBe(19);
  });

  it("leaves no exit behind when its worker is lost: nobody knows (specification §7.3)", () => {
    const rig = new Rig("Running").process("seen").ended("abandoned");
    expect([rig.value.process, rig.context.exitedSeq]).toEqual(["absent", null]);
  });

  it("that exited may come again, and its exit is forgotten then", () => {
    const rig = new Rig("Locked").process("seen").ended().process("starting", "w2");
    expect([rig.value.process, rig.context.exitedSeq]).toEqual(["starting", null]);
    expect(rig.ended("abandoned", "w2").value.process).toBe("absent");
  });

  it.each(["Queued", "Complete", "Cancelled"] as const)(
    "that exited is cleared by a kill when the record says %s",
    (state) => {
      const rig = new Rig(state).process("seen").ended().decided("kill");
      expect([rig.value.process, rig.context.exitedSeq]).toEqual(["absent", null]);
    },
  );

  it.each(["Locked", "Running"] as const)(
    "that exited keeps its exit while the record says %s: a newer one must come first",
    (state) => {
      expect(new Rig(state).process("seen").ended().decided("kill").value.process).toBe("exited");
    },
  );

  it("is not ended by a decision to kill it", () => {
    const rig = new Rig("Cancelled").process("seen");
    const before = rig.snapshot;
    expect(rig.decided("kill").snapshot).toBe(before);
  });
});

describe("an operator's cancel", () => {
  const asked = (rig: Rig, reason = "") => rig.send({ type: "cancel.requested", reason });

  it.each(["Queued", "Locked", "Running"] as const)(
    "is remembered in %s, with its reason",
    (state) => {
      const rig = asked(new Rig(state), "wrong input");
      expect(rig.context.rejection).toBe("cancelled by an operator: wrong input");
      expect(rig.kinds).toEqual([]);
      rig.decided("cancel");
      expect(rig.commands).toEqual([
        {
          kind: "container.cancel",
          containerId: ID,
          error: "cancelled by an operator: wrong input",
        },
      ]);
    },
  );

  it("changes nothing a second time, at what has ended, is on hold or is not in the queue", () => {
    const rigs = [
      asked(new Rig("Queued")),
      new Rig("Complete"),
      new Rig("Cancelled"),
      new Rig("Queued", "0"),
      new Rig().process("seen"),
    ];
    for (const rig of rigs) {
      const before = rig.snapshot;
      expect(asked(rig, "again").snapshot).toBe(before);
    }
    expect(rigs[0]?.context.rejection).toBe("cancelled by an operator");
  });
});

describe("a container", () => {
  it("is forgotten only without record, operation and process", () => {
    expect(isForgotten(new Rig("Complete").decided("forget").snapshot)).toBe(true);
    expect(isForgotten(new Rig("Complete").snapshot)).toBe(false);
    const rig = new Rig("Running").process("seen").decided("cancel").decided("forget");
    expect(isForgotten(rig.snapshot)).toBe(false);
    expect(isForgotten(rig.succeeded("cancel", "Cancelled").snapshot)).toBe(false);
    expect(isForgotten(rig.ended("abandoned").snapshot)).toBe(true);
  });
});
