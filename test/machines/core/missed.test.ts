import { describe, expect, it } from "vitest";
import type { Decision } from "../../../src/machines/model/decision.ts";
import { ONLY } from "../../../src/machines/model/ids.ts";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";

const X = containerId(1);
const CANCEL = { do: "cancel", container: X, reason: "not running on any worker" };
const STALE_LOCK_TIMEOUT_MS = 600_000;

/** A dispatcher that knows nothing of what went before, and judges by what it is told of polls and probes. */
class Amnesiac extends CoreBuilder {
  constructor() {
    // What is found is known with its first answer.
    super({ staleLockTimeoutMs: STALE_LOCK_TIMEOUT_MS, timeoutStartMs: 0 });
    this.dispatching();
  }

  get seq(): number {
    return this.core.seq;
  }

  /** A list that begins so long after the start. */
  listedLate(afterMs = STALE_LOCK_TIMEOUT_MS): this {
    const { startedAtMs = 0 } = this.core.registry.get("supervisor", ONLY)?.context ?? {};
    this.nowMs = startedAtMs + afterMs;
    const basedOnSeq = this.seq;
    const listStartedAtMs = this.nowMs;
    this.feed({ type: "instances.listed", basedOnSeq, listStartedAtMs, instancesCount: 1 });
    return this;
  }

  /** Two lists lack it. */
  gone(workerId: string): void {
    for (const afterMs of [1, 2]) {
      const listStartedAtMs = this.nowMs + afterMs;
      const list = { basedOnSeq: this.seq, listStartedAtMs, lastGoodProbeAtMs: 0 };
      this.feed({ type: "instance.missing", workerId, ...list });
    }
    expect(this.core.registry.get("worker", workerId)).toBeUndefined();
  }

  running(): this {
    return this.container(X, { state: "Running" });
  }

  decided(polledSeq: number, answeredSeq: number): readonly Decision[] {
    const fact = { type: "planner.ran", polledSeq, answeredSeq, seen503AtMs: null } as const;
    return this.feed(fact).record?.decisions ?? [];
  }
}

describe("a running container that no worker lists", () => {
  it("is judged by a poll that began after a probe that began after it was seen running", () => {
    const core = new Amnesiac().instance("i-1", "type1").listedLate();
    const before = core.seq;
    core.running();
    const seenSeq = core.seq;
    // The probe began before it ran, or may have; the poll began before the probe had ended.
    expect(core.decided(seenSeq, before)).toEqual([]);
    expect(core.decided(before, seenSeq)).toEqual([]);
    expect(core.decided(seenSeq, seenSeq)).toEqual([CANCEL]);
  });

  it("is not judged while an instance may be missing from all lists so far", () => {
    const core = new Amnesiac().instance("i-1", "type1").running();
    expect(core.decided(core.seq, core.seq)).toEqual([]);
    core.listedLate(STALE_LOCK_TIMEOUT_MS - 1);
    expect(core.decided(core.seq, core.seq)).toEqual([]);
    core.listedLate();
    expect(core.decided(core.seq, core.seq)).toEqual([CANCEL]);
  });

  it("is not judged by a poll that began before an instance was found", () => {
    const core = new Amnesiac().running().listedLate();
    const polledSeq = core.seq;
    core.instance("i-1", "type1");
    expect(core.decided(polledSeq, polledSeq)).toEqual([]);
    // Not either once it is gone again, with what it may have told.
    core.gone("i-1");
    expect(core.decided(polledSeq, polledSeq)).toEqual([]);
    expect(core.decided(core.seq, core.seq)).toEqual([CANCEL]);
  });

  it("is judged after a worker is gone that ran it by a poll that began later", () => {
    const core = new Amnesiac().running().instance("i-1", "type1", [X]).listedLate();
    const polledSeq = core.seq;
    core.gone("i-1");
    expect(core.decided(polledSeq, core.seq)).toEqual([]);
    // Nobody else has to be asked for it: it was seen where it ran.
    expect(core.decided(core.seq, 0)).toEqual([CANCEL]);
  });

  it("is not judged by what was asked before a start", () => {
    const core = new Amnesiac().instance("i-1", "type1").running();
    const before = core.seq;
    core.dispatching().instance("i-1", "type1").listedLate();
    expect(core.decided(core.seq, before)).toEqual([]);
    expect(core.decided(core.seq, core.seq)).toEqual([CANCEL]);
  });

  it("is decided as before where a journal of an earlier version does not tell", () => {
    const core = new Amnesiac().running();
    expect(core.plan().record?.decisions).toEqual([CANCEL]);
  });
});

describe("a locked container that an operator cancels", () => {
  const cancel = (core: Amnesiac): void => {
    core.feed({ type: "cancel.requested", containerId: X, reason: "for a test" });
  };

  it("is not ended while it may run, where an earlier run had locked it", () => {
    const core = new Amnesiac().instance("i-1", "type1").container(X, { state: "Locked" });
    cancel(core);
    expect(core.decided(core.seq, 0)).toEqual([]);
    core.listedLate();
    expect(core.decided(core.seq, core.seq)).toMatchObject([{ do: "cancel", container: X }]);
  });

  it("is ended at once where this run has locked it", () => {
    const core = new Amnesiac().container(X);
    const [lock] = core.plan().record?.commands ?? [];
    const locked = { operation: "lock", state: "Locked", priority: null } as const;
    const commandId = lock?.id ?? "";
    core.feed({ type: "operation.succeeded", commandId, containerId: X, ...locked });
    cancel(core);
    const decisions = core.decided(core.seq, 0);
    expect(decisions).toContainEqual(expect.objectContaining({ do: "cancel", container: X }));
  });
});

describe("what an older journal tells of processes", () => {
  /** A journal of which the end is lost goes on under another id. Its workers answer that nothing runs. */
  function older(core: Amnesiac): Amnesiac {
    core.feed({ type: "daemon.started", version: "test", journalId: "j2" });
    core.feed({ type: "lease.acquired" });
    core.listedLate(0);
    core.feed({ type: "queue.polled", basedOnSeq: core.seq, startedAtMs: core.nowMs });
    expect(processOf(core)).not.toBe("exited");
    core.instance("i-1", "type1");
    expect(core.decided(0, 0)).toMatchObject([{ do: "finishRecovery" }]);
    return core.listedLate();
  }

  function moved(core: Amnesiac, state: "Queued" | "Running"): void {
    const moved = { containerId: X, basedOnSeq: core.seq, state, priority: "1" } as const;
    core.feed({ type: "container.changed", ...moved });
  }

  const processOf = ({ core }: Amnesiac): unknown =>
    core.registry.get("container", X)?.value.process;

  it.each(["Locked", "Queued"] as const)(
    "is no exit by which one that has been started since is judged (%s then)",
    (state) => {
      const core = new Amnesiac();
      core.instance("i-1", "type1", [X]).container(X, { state: "Locked" }).instance("i-1", "type1");
      if (state === "Queued") moved(core, state);
      expect(processOf(core)).toBe("exited");
      expect(processOf(older(core))).toBe("absent");
      const beganSeq = core.seq;
      core.instance("i-2", "type1");
      moved(core, "Running");
      // Where it runs has not been asked since.
      expect(core.decided(core.seq, beganSeq)).toEqual([]);
      core.instance("i-2", "type1", [X]);
      expect(core.decided(core.seq, core.seq)).toEqual([]);
    },
  );

  it("is no process whose end on one worker is its end on all", () => {
    const core = new Amnesiac();
    core.instance("i-1", "type1", [X]).running();
    expect(processOf(core)).toBe("running");
    expect(processOf(older(core))).toBe("absent");
    expect(core.decided(core.seq, 0)).toEqual([]);
    expect(core.decided(core.seq, core.seq)).toEqual([CANCEL]);
  });

  it("is believed of a worker that is being destroyed, which nobody asks any more", () => {
    const core = new Amnesiac();
    core.instance("i-1", "type1", [X]).running();
    core.feed({ type: "shutdown.requested", workerId: "i-1", reason: "test" });
    expect(processOf(older(core))).toBe("running");
    expect(core.decided(core.seq, core.seq)).toEqual([]);
  });

  it("is believed where nothing is lost", () => {
    const core = new Amnesiac();
    core.instance("i-1", "type1", [X]).running();
    core.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(processOf(core)).toBe("running");
  });
});
