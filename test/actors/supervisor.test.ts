import { describe, expect, it } from "vitest";
import { Supervisor } from "../../src/actors/supervisor.ts";
import type { Released } from "../../src/actors/supervisor.ts";
import type { FactInput } from "../../src/machines/model/fact.ts";
import { makeMemoryStore, openMemoryJournal } from "../../src/drivers/journal/memory.ts";
import type { MemoryJournal, MemoryStore } from "../../src/drivers/journal/memory.ts";
import { JournalError } from "../../src/drivers/journal/port.ts";
import { Core } from "../../src/machines/core/core.ts";
import { fold, replay } from "../../src/machines/core/replay.ts";
import type { Settings } from "../../src/machines/model/settings.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";
import { containerId, containerRecord } from "../support/containers.ts";
import { settings } from "../support/settings.ts";

interface RigOptions {
  readonly settings?: Partial<Settings>;
  readonly checkpointRecords?: number;
  readonly store?: MemoryStore;
  readonly core?: Core;
  readonly clock?: VirtualClock;
}

const full = (): JournalError => new JournalError("diskFull", "no space left on device");

/** A supervisor on a virtual clock and a journal in memory, whose commits take a millisecond. */
class Rig {
  readonly clock: VirtualClock;
  readonly store: MemoryStore;
  readonly journal: MemoryJournal;
  readonly core: Core;
  readonly supervisor: Supervisor;
  readonly released: Released[] = [];
  readonly told: string[] = [];
  readonly commits: number[] = [];
  readonly bugs: unknown[] = [];
  plansCount = 0;
  polledSeq = 0;
  goodProbeAtMs = 0;

  constructor(options: RigOptions = {}) {
    this.clock = options.clock ?? new VirtualClock(1_000_000);
    this.store = options.store ?? makeMemoryStore("j1");
    this.journal = openMemoryJournal(this.store);
    this.core = options.core ?? new Core("j1");
    const { clock, journal, core, commits } = this;
    const append = journal.append.bind(journal);
    const slow = Object.assign(Object.create(journal) as MemoryJournal, {
      append: async (records: Parameters<MemoryJournal["append"]>[0]): Promise<void> => {
        await new Promise<void>((resolve) => clock.setTimer(1, resolve));
        await append(records);
        commits.push(records.length);
      },
    });
    this.supervisor = new Supervisor({
      core,
      journal: slow,
      clock,
      watermarks: {
        answeredAtMs: () => this.goodProbeAtMs,
        polledSeq: () => this.polledSeq,
        answeredSeq: () => 0,
        seen503AtMs: () => null,
      },
      observer: {
        factTaken: (type, changed) => {
          if (type !== "planner.ran") this.told.push(`${type} ${changed}`);
        },
        factDropped: (type) => void this.told.push(`${type} dropped`),
        plannerRan: () => this.plansCount++,
        commitFailed: ({ message }) => void this.told.push(message),
        commitsRecovered: () => void this.told.push("recovered"),
        broke: (error) => void this.bugs.push(error),
      },
      checkpointRecords: options.checkpointRecords ?? 1_000,
      defer: (flush) => void clock.setTimer(0, flush),
      stopwatchMs: () => 0,
    });
    this.supervisor.released.subscribe((released) => void this.released.push(released));
    if (!options.core) {
      const hash = { hash: "hash", settings: settings(options.settings) };
      void this.supervisor.submit({ type: "config.loaded", ...hash });
    }
  }

  get seqs(): number[] {
    return this.released.map(({ record }) => record.seq);
  }

  async advance(ms: number): Promise<void> {
    await this.clock.run({ untilMs: this.clock.nowMs() + ms });
  }

  /** Resolves to what the supervisor says, without waiting for it. */
  submit(input: FactInput): { isDurable: boolean | undefined } {
    const told: { isDurable: boolean | undefined } = { isDurable: undefined };
    void this.supervisor.submit(input).then((isDurable) => (told.isDurable = isDurable));
    return told;
  }

  seen(instanceId: string): { isDurable: boolean | undefined } {
    return this.submit({
      type: "instance.seen",
      basedOnSeq: this.supervisor.seq,
      instanceId,
      createdBy: null,
      address: "",
      instanceType: "type1",
      providerType: "providertype1",
      idleBehavior: "run",
    });
  }

  probed(workerId: string, containerIds: string[] = []): void {
    const about = { basedOnSeq: this.supervisor.seq, startedAtMs: this.clock.nowMs() };
    const listing = { containerIds, broken: false, stale: false, bootError: "" };
    this.submit({ type: "probe.succeeded", workerId, ...about, booted: true, ...listing });
  }

  started(): void {
    this.submit({ type: "daemon.started", version: "test", journalId: "j1" });
    this.submit({ type: "lease.acquired" });
  }

  /** Listed and polled, so that the planner may decide. */
  observed(): void {
    const basedOnSeq = this.supervisor.seq;
    const atMs = this.clock.nowMs();
    const listed = { listStartedAtMs: atMs, instancesCount: 0 };
    this.submit({ type: "instances.listed", basedOnSeq, ...listed });
    this.submit({ type: "queue.polled", basedOnSeq, startedAtMs: atMs });
  }

  queued(n: number): void {
    const about = { containerId: containerId(n), basedOnSeq: this.supervisor.seq };
    this.submit({ type: "container.added", ...about, record: containerRecord() });
  }

  lifecycle(workerId: string): string | undefined {
    return this.supervisor.known.get("worker", workerId)?.value.lifecycle;
  }
}

describe("group commit", () => {
  it("takes what comes together into one commit, and releases it in order", async () => {
    const rig = new Rig();
    const told = ["i-1", "i-2", "i-3"].map((id) => rig.seen(id));
    expect([rig.supervisor.seq, rig.released.length]).toEqual([4, 0]);
    await rig.advance(1);
    expect([rig.commits, rig.seqs]).toEqual([[4], [1, 2, 3, 4]]);
    expect(told.map(({ isDurable }) => isDurable)).toEqual([true, true, true]);
  });

  it("lets nobody read what is not durable yet, but the feeds compare with it", async () => {
    const rig = new Rig();
    rig.seen("i-1");
    expect(rig.supervisor.known.get("worker", "i-1")).toBeDefined();
    expect(rig.supervisor.readModel.get("worker", "i-1")).toBeUndefined();
    await rig.advance(1);
    expect(rig.supervisor.readModel.get("worker", "i-1")).toBeDefined();
    expect(rig.supervisor.readModel.seq).toBe(2);
  });

  it("puts what comes during a commit into the next one", async () => {
    const rig = new Rig();
    await rig.advance(0);
    rig.seen("i-1");
    rig.seen("i-2");
    await rig.advance(2);
    expect([rig.commits, rig.seqs]).toEqual([
      [1, 2],
      [1, 2, 3],
    ]);
  });

  it("answers at once for a fact that changes nothing, and does not keep it", async () => {
    const rig = new Rig();
    rig.seen("i-1");
    await rig.advance(5);
    rig.told.length = 0;
    const told = rig.seen("i-1");
    await rig.advance(5);
    expect([told.isDurable, rig.told, rig.journal.lastSeq]).toEqual([
      false,
      ["instance.seen false"],
      2,
    ]);
  });
});

describe("commits that fail", () => {
  it("are tried again until they work: nothing lost, everything released once and in order", async () => {
    const rig = new Rig();
    rig.journal.failNextAppend(new JournalError("io", "disk on fire"), 3);
    const told = rig.seen("i-1");
    await rig.advance(1);
    expect([rig.supervisor.accepting, rig.supervisor.writable]).toEqual([false, false]);
    rig.seen("i-2");
    await rig.advance(2_000);
    expect([told.isDurable, rig.released.length]).toEqual([undefined, 0]);
    await rig.advance(10_000);
    expect([told.isDurable, rig.seqs]).toEqual([true, [1, 2, 3]]);
    expect([rig.supervisor.accepting, rig.supervisor.writable]).toEqual([true, true]);
    expect(rig.told.filter((text) => text === "disk on fire")).toHaveLength(3);
    expect(rig.told.at(-1)).toBe("recovered");
    expect([...rig.journal.read()].map(({ seq }) => seq)).toEqual([1, 2, 3]);
  });

  it("pause between two attempts, no longer than five seconds", async () => {
    const rig = new Rig();
    rig.journal.failNextAppend(new JournalError("io", "no"), 10);
    await rig.advance(34_000);
    const attempts = rig.told.filter((text) => text === "no").length;
    expect(attempts).toBeGreaterThan(7);
    expect(attempts).toBeLessThanOrEqual(10);
    await rig.advance(20_000);
    expect(rig.seqs).toEqual([1]);
  });

  it("give the ballast up on a full disk, and keep feeds stopped until it is back", async () => {
    const rig = new Rig();
    await rig.advance(5);
    const restored = { works: false };
    Object.assign(rig.journal, {
      restoreBallast: () => restored.works && (rig.store.ballast = true),
    });
    rig.journal.failNextAppend(full());
    rig.seen("i-1");
    await rig.advance(5);
    // What is recorded now uses the space of the ballast, and nobody had to wait for it.
    expect([rig.store.ballast, rig.seqs]).toEqual([false, [1, 2]]);
    expect([rig.supervisor.accepting, rig.supervisor.writable]).toEqual([false, true]);
    const told = rig.submit({ type: "shutdown.requested", workerId: "i-1", reason: "test" });
    await rig.advance(1_000);
    expect(told.isDurable).toBe(true);
    expect(rig.released.at(-1)?.record.commands[0]?.kind).toBe("instance.destroy");
    expect(rig.told).not.toContain("recovered");
    await rig.advance(30_000);
    expect(rig.supervisor.accepting).toBe(false);
    restored.works = true;
    await rig.advance(10_000);
    expect([rig.supervisor.accepting, rig.store.ballast, rig.told.at(-1)]).toEqual([
      true,
      true,
      "recovered",
    ]);
  });

  it("hold the planner back, which runs as soon as they are over", async () => {
    const rig = new Rig();
    rig.started();
    rig.observed();
    await rig.advance(100);
    const { plansCount } = rig;
    rig.journal.failNextAppend(new JournalError("io", "no"), 2);
    rig.queued(1);
    await rig.advance(700);
    expect(rig.plansCount).toBe(plansCount);
    await rig.advance(2_000);
    expect(rig.plansCount).toBeGreaterThan(plansCount);
    expect(rig.released.some(({ record }) => record.commands.length > 0)).toBe(true);
  });

  it("still let the daemon stop, and tell whoever waits that it has not happened", async () => {
    const rig = new Rig();
    await rig.advance(5);
    rig.journal.failNextAppend(new JournalError("io", "no"), 1_000);
    const told = rig.seen("i-1");
    await rig.advance(1);
    let stopped = false;
    void rig.supervisor.stop().then(() => (stopped = true));
    await rig.advance(60_000);
    expect([stopped, told.isDurable, rig.journal.lastSeq]).toEqual([true, false, 1]);
  });
});

describe("deadlines", () => {
  it("tick the actor that is due, when it is due, with its watermark", async () => {
    const rig = new Rig();
    rig.seen("i-1");
    rig.seen("i-2");
    await rig.advance(1_000);
    rig.goodProbeAtMs = 42;
    rig.probed("i-2");
    await rig.advance(59_999);
    expect([rig.lifecycle("i-1"), rig.lifecycle("i-2")]).toEqual(["unknown", "idle"]);
    await rig.advance(1);
    expect([rig.lifecycle("i-1"), rig.lifecycle("i-2")]).toEqual(["unknown", "shutdown"]);
    await rig.advance(2);
    const { fact } = rig.released.at(-1)?.record ?? {};
    expect(fact).toMatchObject({
      type: "clock.ticked",
      actorKind: "worker",
      actorId: "i-2",
      lastGoodProbeAtMs: 42,
    });
    await rig.advance(540_000);
    expect(rig.lifecycle("i-1")).toBe("shutdown");
  });

  it("that moved do not tick at their old time", async () => {
    const rig = new Rig();
    rig.seen("i-1");
    rig.probed("i-1");
    await rig.advance(50_000);
    rig.probed("i-1", [containerId(1)]);
    rig.probed("i-1");
    rig.told.length = 0;
    await rig.advance(50_000);
    expect([rig.lifecycle("i-1"), rig.told]).toEqual(["idle", []]);
    await rig.advance(10_000);
    expect(rig.lifecycle("i-1")).toBe("shutdown");
  });

  it("go on after a restart, also those that passed in between", async () => {
    const first = new Rig();
    first.seen("i-1");
    first.probed("i-1");
    await first.advance(10);
    await first.supervisor.stop();
    await first.journal.close();
    const { store, clock } = first;
    await first.advance(3_600_000);
    const core = fold(new Core("j1"), [...first.journal.read()]);
    const second = new Rig({ store, clock, core });
    expect(second.supervisor.readModel.get("worker", "i-1")?.value.lifecycle).toBe("idle");
    second.started();
    await second.advance(10);
    expect(second.lifecycle("i-1")).toBe("unknown");
    await second.advance(600_000);
    expect(second.lifecycle("i-1")).toBe("shutdown");
  });

  it("run while the journal cannot be written", async () => {
    const rig = new Rig();
    rig.seen("i-1");
    rig.probed("i-1");
    await rig.advance(10);
    rig.journal.failNextAppend(new JournalError("io", "no"), 1_000);
    await rig.advance(60_000);
    expect(rig.lifecycle("i-1")).toBe("shutdown");
    expect(rig.supervisor.readModel.get("worker", "i-1")?.value.lifecycle).toBe("idle");
  });
});

describe("runs of the planner", () => {
  it("come once for all that changed within their interval", async () => {
    const rig = new Rig({ settings: { planIntervalMs: 50 } });
    rig.started();
    await rig.advance(500);
    const { plansCount } = rig;
    for (let n = 1; n <= 20; n++) rig.queued(n);
    await rig.advance(49);
    expect(rig.plansCount).toBe(plansCount);
    await rig.advance(1);
    expect(rig.plansCount).toBe(plansCount + 1);
    await rig.advance(5_000);
    expect(rig.plansCount).toBe(plansCount + 1);
  });

  it("come again as long as they decide something, and rest then", async () => {
    const rig = new Rig();
    rig.started();
    rig.observed();
    rig.queued(1);
    await rig.advance(1_000);
    const { plansCount } = rig;
    const planned = rig.released.filter(({ record }) => record.fact.type === "planner.ran");
    expect(planned.map(({ record }) => record.decisions[0]?.do)).toEqual([
      "finishRecovery",
      "lock",
    ]);
    await rig.advance(30_000);
    expect(rig.plansCount).toBe(plansCount);
    rig.supervisor.replan();
    await rig.advance(100);
    expect(rig.plansCount).toBe(plansCount + 1);
    expect(rig.supervisor.readModel.planMetrics).toBeDefined();
  });
});

describe("time", () => {
  it("never goes back, whatever the journal of another machine says", async () => {
    const core = new Core("j1");
    const hash = { hash: "hash", settings: settings() };
    core.apply({ type: "config.loaded", atMs: 9_000_000, ...hash });
    const store = makeMemoryStore("j1");
    const journal = openMemoryJournal(store);
    await journal.append([
      {
        seq: 1,
        fact: { type: "config.loaded", atMs: 9_000_000, ...hash },
        commands: [],
        decisions: [],
      },
    ]);
    await journal.close();
    const rig = new Rig({ core, store });
    rig.seen("i-1");
    await rig.advance(10);
    expect(rig.released[0]?.record.fact.atMs).toBe(9_000_000);
  });
});

describe("stopping", () => {
  it("makes what is pending durable, writes a checkpoint of it, and takes nothing more", async () => {
    const rig = new Rig();
    rig.seen("i-1");
    let stopped = false;
    void rig.supervisor.stop().then(() => (stopped = true));
    const dropped = rig.seen("i-2");
    await rig.advance(5);
    expect([stopped, dropped.isDurable, rig.told.at(-1)]).toEqual([
      true,
      false,
      "instance.seen dropped",
    ]);
    expect([rig.seqs, rig.journal.checkpoint()?.seq]).toEqual([[1, 2], 2]);
    expect(rig.journal.checkpoint()?.state).toBe(rig.core.store());
    await rig.advance(3_600_000);
    expect(rig.lifecycle("i-1")).toBe("unknown");
  });
});

describe("checkpoints", () => {
  it("are taken every so many records, also while facts never stop coming", async () => {
    const rig = new Rig({ checkpointRecords: 10 });
    const { clock } = rig;
    let n = 0;
    // More often than a commit takes: there is always something newer than what is durable.
    const feed = (): void => {
      rig.seen(`i-${++n}`);
      if (n < 200) clock.setTimer(0.3, feed);
    };
    feed();
    await rig.advance(50);
    expect(rig.core.seq).toBeGreaterThan(rig.journal.lastSeq);
    const seqs = rig.journal.checkpointSeqs();
    expect(seqs.length).toBeGreaterThan(2);
    await rig.advance(50);
    for (const seq of rig.journal.checkpointSeqs()) {
      const { state = "" } = rig.journal.checkpoint({ atOrBeforeSeq: seq }) ?? {};
      const { core, difference } = replay(
        Core.restore(state),
        rig.journal.read({ fromSeq: seq + 1 }),
      );
      expect([difference, core.store() === rig.core.store()]).toEqual([undefined, true]);
    }
  });

  it("that cannot be written are no reason to stop", async () => {
    const rig = new Rig({ checkpointRecords: 2 });
    Object.assign(rig.journal, { saveCheckpoint: () => Promise.reject(full()) });
    for (const id of ["i-1", "i-2", "i-3"]) rig.seen(id);
    await rig.advance(10);
    expect([rig.seqs, rig.told.includes("no space left on device")]).toEqual([[1, 2, 3, 4], true]);
    expect(rig.supervisor.accepting).toBe(true);
    rig.seen("i-4");
    await rig.advance(10);
    expect(rig.seqs).toHaveLength(5);
  });
});

describe("a bug in the core", () => {
  it("is told, thrown, and leaves nothing behind", async () => {
    const rig = new Rig();
    await rig.advance(5);
    const bad = { type: "container.added", containerId: containerId(1), basedOnSeq: 0 } as const;
    expect(() => rig.supervisor.submit({ ...bad, record: null as never })).toThrow(TypeError);
    expect(rig.bugs).toHaveLength(1);
    await rig.advance(5);
    expect([rig.journal.lastSeq, rig.supervisor.seq]).toEqual([1, 1]);
  });
});

describe("a run that finds the clock behind the journal's time", () => {
  const AHEAD_MS = 30_000_000_000;

  /** The next run on what the first one left; its clock is right. */
  async function setBack(): Promise<{ first: Rig; next: Rig }> {
    const first = new Rig({ clock: new VirtualClock(1_000_000 + AHEAD_MS) });
    first.started();
    first.seen("i-1");
    await first.advance(60_000);
    await first.supervisor.stop();
    await first.journal.close();
    const { store, core } = first;
    const next = new Rig({ store, core, clock: new VirtualClock(2_000_000) });
    return { first, next };
  }

  it("sets it back with its start, and says so", async () => {
    const { first, next } = await setBack();
    const before = { fromMs: first.core.atMs, sinceMs: 1_000_000 + AHEAD_MS };
    next.seen("i-2");
    next.started();
    next.seen("i-3");
    await next.advance(5);
    const told = next.released.map(({ record: { fact } }) => [fact.type, fact.atMs]);
    expect(told).toEqual([
      ["instance.seen", before.fromMs],
      ["daemon.started", 2_000_000],
      ["lease.acquired", 2_000_000],
      ["instance.seen", 2_000_000],
    ]);
    expect(next.released[1]?.record.fact).toMatchObject({ setBack: before });
    expect(next.core.atMs).toBe(2_000_000);
  });

  it("waits for nothing until the time of the run that was ahead", async () => {
    const { next } = await setBack();
    next.goodProbeAtMs = 2_000_000;
    next.started();
    await next.advance(5);
    expect(next.lifecycle("i-1")).toBe("unknown");
    // Its time to boot is counted from when nothing can turn up any more that was sent before the first run.
    await next.advance(600_000 + settings().timeoutStartMs);
    expect(next.lifecycle("i-1")).toBe("shutdown");
  });

  it("says nothing where the clock has gone on", async () => {
    const first = new Rig();
    first.started();
    await first.advance(10);
    await first.supervisor.stop();
    await first.journal.close();
    const { store, core } = first;
    const later = new Rig({ store, core, clock: new VirtualClock(first.clock.nowMs() + 5) });
    later.started();
    await later.advance(5);
    expect(later.released[0]?.record.fact).not.toHaveProperty("setBack");
  });
});
