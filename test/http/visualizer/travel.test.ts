import { beforeEach, describe, expect, it } from "vitest";
import { Store } from "../../../src/http/visualizer/store/store.ts";
import { TimeTravel } from "../../../src/http/visualizer/time/travel.ts";
import type { RecordView } from "../../../src/http/wire/record.ts";
import type { LimitRow } from "../../../src/http/wire/limit.ts";
import type { StateAnswer } from "../../../src/http/wire/state.ts";

const RECORDS = 1_000;
const SECOND_MS = 1_000;

const at = (seq: number): string => new Date(seq * SECOND_MS).toISOString();

/** Each record says which one it is, so that rows tell where they stand. */
function limit(seq: number): LimitRow {
  const actor = { actor: "quota/dispatcher", kind: "quota", id: "dispatcher" } as const;
  return { ...actor, value: `after ${seq}`, until: null, reason: "" };
}

function record(seq: number): RecordView {
  const row = limit(seq);
  const { actor, kind, id, value } = row;
  const change = { actor, kind, id, from: null, to: value, transitions: [], row };
  const fact = { type: "clock.ticked" };
  return { seq, at: at(seq), fact, commands: [], decisions: [], changes: [change] };
}

function state(seq: number, last = RECORDS): StateAnswer {
  return {
    journal_id: "j1",
    live: false,
    seq,
    at: at(seq),
    now: at(last),
    version: "",
    read_only: false,
    bounds: { first_seq: 1, last_seq: last, first_at: at(1), last_at: at(last) },
    missing: "",
    supervisor: "dispatching",
    scheduler: null,
    instance_types: [],
    wait_texts: {} as StateAnswer["wait_texts"],
    timeouts: null,
    workers: [],
    containers: [],
    limits: [limit(seq)],
    alarms: [],
  };
}

class Rig {
  readonly store = new Store();
  readonly asked: string[] = [];
  readonly movedTo: number[] = [];
  nowMs = 0;
  #moment: (() => void) | undefined;
  readonly travel = new TimeTravel({
    store: this.store,
    getRecords: async (from, count) => {
      this.asked.push(`records ${from}`);
      const to = Math.min(RECORDS, from + count - 1);
      const items = Array.from({ length: Math.max(0, to - from + 1) }, (_, n) => record(from + n));
      return { items, next_seq: to < RECORDS ? to + 1 : null };
    },
    getState: async (seq) => {
      this.asked.push(`state ${seq}`);
      return state(Number(seq));
    },
    onMoved: (seq) => this.movedTo.push(seq),
    nowMs: () => this.nowMs,
    everyMoment: (callback) => {
      this.#moment = callback;
      return () => (this.#moment = undefined);
    },
  });

  get shown(): [number, string | undefined] {
    return [this.store.seqNow, this.store.limits.peek()[0]?.value];
  }

  get ticking(): boolean {
    return this.#moment !== undefined;
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      this.nowMs += 50;
      this.#moment?.();
      await new Promise(setImmediate);
    }
  }
}

describe("time travel", () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
    rig.store.loadState(state(500), "past");
  });

  it("goes a record on, and back again without asking anybody", async () => {
    await rig.travel.step(1);
    expect(rig.shown).toEqual([501, "after 501"]);
    const askedCount = rig.asked.length;
    await rig.travel.step(-1);
    expect(rig.shown).toEqual([500, "after 500"]);
    expect(rig.asked).toHaveLength(askedCount);
    expect(rig.movedTo).toEqual([501, 500]);
  });

  it("loads an earlier state where nothing is left to take back, and goes on from there", async () => {
    await rig.travel.step(-1);
    expect(rig.shown).toEqual([499, "after 499"]);
    expect(rig.asked).toEqual(["state 300", "records 301"]);
    for (let n = 0; n < 100; n++) await rig.travel.step(-1);
    expect(rig.shown).toEqual([399, "after 399"]);
    expect(rig.asked).toHaveLength(2);
  });

  it("takes steps one after the other, however fast they are asked for", async () => {
    await Promise.all([1, 1, -1, 1, 1].map((by) => rig.travel.step(by as 1 | -1)));
    expect(rig.shown).toEqual([503, "after 503"]);
  });

  it("goes back from the present", async () => {
    rig.store.loadState(state(RECORDS), "live");
    await rig.travel.step(-1);
    expect(rig.store.mode.peek()).toBe("past");
    expect(rig.shown).toEqual([RECORDS - 1, `after ${RECORDS - 1}`]);
  });

  it("stays at the journal's ends", async () => {
    rig.store.loadState(state(1), "past");
    await rig.travel.step(-1);
    expect(rig.shown[0]).toBe(1);
    rig.store.loadState(state(RECORDS), "past");
    await rig.travel.step(1);
    expect(rig.shown[0]).toBe(RECORDS);
  });

  it("plays records by their own times, and stops at the end", async () => {
    rig.travel.speed.value = 100;
    await rig.travel.play();
    await rig.pass(1_000);
    expect(rig.shown).toEqual([600, "after 600"]);
    expect(rig.travel.playedMs.peek()).toBe(600 * SECOND_MS);
    rig.travel.speed.value = 1_000;
    await rig.pass(600);
    expect(rig.shown).toEqual([RECORDS, `after ${RECORDS}`]);
    expect(rig.travel.playing.peek()).toBe(false);
    expect(rig.ticking).toBe(false);
    expect(rig.movedTo.at(-1)).toBe(RECORDS);
  });

  it("plays from the beginning when it stands at the end", async () => {
    rig.store.loadState(state(RECORDS), "past");
    await rig.travel.play();
    expect(rig.shown[0]).toBe(1);
    rig.travel.pause();
  });

  it("stops where the page has gone elsewhere meanwhile", async () => {
    await rig.travel.play();
    await rig.pass(100);
    rig.store.loadState(state(20), "past");
    await rig.pass(100);
    expect(rig.travel.playing.peek()).toBe(false);
    expect(rig.shown).toEqual([20, "after 20"]);
  });

  it("says why it does not go on, and does so once it can", async () => {
    const { store, asked } = rig;
    let isDown = true;
    const travel = new TimeTravel({
      store,
      getRecords: async (from) => {
        if (isDown) throw new Error("the dispatcher does not answer");
        asked.push(`records ${from}`);
        return { items: [record(from)], next_seq: null };
      },
      getState: async () => state(1),
      onMoved: () => {},
      nowMs: () => 0,
      everyMoment: () => () => {},
    });
    await travel.play();
    expect(travel.playing.peek()).toBe(false);
    expect(travel.trouble.peek()).toBe("the dispatcher does not answer");
    isDown = false;
    await travel.step(1);
    expect(travel.trouble.peek()).toBe("");
    expect(rig.shown[0]).toBe(501);
  });
});
