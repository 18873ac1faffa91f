import { describe, expect, it } from "vitest";
import { EventParser } from "../../../src/http/visualizer/api/event-parser.ts";
import { quoteLongPriorities } from "../../../src/http/visualizer/api/wire-text.ts";
import { formatRoute, parseRoute } from "../../../src/http/visualizer/route.ts";
import { RowTable } from "../../../src/http/visualizer/store/row-table.ts";
import { SortedIndex } from "../../../src/http/visualizer/store/sorted-index.ts";
import { Store } from "../../../src/http/visualizer/store/store.ts";
import type { RecordView } from "../../../src/http/wire/record.ts";
import { at, madeState, madeWorker } from "../../browser/made-state.ts";

interface Row {
  readonly id: string;
  readonly rank: number;
}

const byRank = (a: Row, b: Row) => a.rank - b.rank || (a.id < b.id ? -1 : 1);
const isEven = ({ rank }: Row) => rank % 2 === 0;

describe("a sorted index", () => {
  it.each([3, 200])("equals a sort from scratch after any %i changes at once", (changesCount) => {
    const table = new RowTable<Row>(
      ({ id }) => id,
      () => [],
    );
    table.load(Array.from({ length: 500 }, (_, n) => ({ id: `${n}`, rank: (n * 37) % 101 })));
    table.flush();
    const index = new SortedIndex(table, ({ id }) => id, { matches: isEven, compare: byRank });
    for (let round = 1; round <= 30; round++) {
      for (let n = 0; n < changesCount; n++) {
        const id = `${(round * 53 + n * 17) % 600}`;
        const isGone = (round + n) % 5 === 0;
        table.put(id, isGone ? undefined : { id, rank: (round * n * 13) % 97 });
      }
      table.flush();
      expect(index.rows).toEqual([...table.values()].filter(isEven).sort(byRank));
    }
  });
});

describe("the store", () => {
  const record = (seq: number, lifecycle: "idle" | null): RecordView => ({
    seq,
    at: at(-seq),
    fact: { type: "test" },
    commands: [],
    decisions: [],
    changes: [
      {
        actor: "worker/w-0",
        kind: "worker",
        id: "w-0",
        from: null,
        to: null,
        transitions: [],
        row: lifecycle && { ...madeWorker(0), lifecycle },
      },
    ],
  });

  it("counts by state, tells of changes once for all that happens at once, and takes records back", async () => {
    const store = new Store();
    store.loadState(madeState(10, 20), "past");
    const before = structuredClone(store.counts.value);
    const price = store.pricePerHour.value;
    let told = 0;
    store.workers.subscribe(() => (told += 1));
    store.applyRecord(record(1001, "idle"));
    store.applyRecord(record(1001, null));
    store.applyRecord(record(1002, null));
    await Promise.resolve();
    expect(told).toBe(1);
    expect(store.seq.value).toBe(1002);
    expect(store.workers.get("w-0")).toBeUndefined();
    expect(store.counts.value.worker["lifecycle.running"]).toBe(5);
    expect(store.undo() && store.undo()).toBe(true);
    expect(store.undo()).toBe(false);
    await Promise.resolve();
    expect(store.seq.value).toBe(1000);
    expect(store.counts.value).toEqual(before);
    expect(store.pricePerHour.value).toBeCloseTo(price);
  });
});

describe("what comes over the wire", () => {
  it("is the same events in whatever pieces it comes", () => {
    const text =
      'id: 7\nevent: record\ndata: {"a":1}\n\n: alive\n\nevent: status\ndata: x\ndata: y\n\n';
    const events = [
      { type: "record", id: "7", data: '{"a":1}' },
      { type: "status", id: "", data: "x\ny" },
    ];
    for (let size = 1; size < text.length; size += 3) {
      const parser = new EventParser();
      const found = [];
      for (let start = 0; start < text.length; start += size)
        found.push(...parser.push(text.slice(start, start + size)));
      expect(found).toEqual(events);
    }
  });

  it("keeps priorities beyond 2^53 digit by digit, and leaves texts alone", () => {
    const json = JSON.stringify({ text: '{"priority":12345678901234567890}', priority: 5 });
    expect(quoteLongPriorities(json)).toBe(json);
    expect(quoteLongPriorities('{"priority":12345678901234567890}')).toBe(
      '{"priority":"12345678901234567890"}',
    );
  });

  it("names a view and what it shows in the address, whatever the id", () => {
    const route = { view: "history", param: "a/b?c#d é%", query: { at: "12", q: "x y&z" } };
    expect(parseRoute(formatRoute(route))).toEqual(route);
    expect(parseRoute("")).toEqual({ view: "fleet", param: "", query: {} });
  });
});
