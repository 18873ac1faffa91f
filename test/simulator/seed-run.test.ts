import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { drawFaultPlan, FAULT_KINDS, Faults } from "../../src/simulator/faults.ts";
import type { FaultKind } from "../../src/simulator/faults.ts";
import { Trace } from "../../src/simulator/trace.ts";
import { MUTANTS } from "./mutants.ts";
import { trySeed } from "./seed-report.ts";

describe("a seed", () => {
  it.each([3, 26, 47])("%i gives the same journal when it is run again", async (seed) => {
    const [one, two] = [await trySeed(seed), await trySeed(seed)];
    expect(one.journal.length).toBeGreaterThan(1_000);
    expect(two.journal).toBe(one.journal);
  });

  it("gives another run than its neighbour", async () => {
    expect((await trySeed(3)).journal).not.toBe((await trySeed(4)).journal);
  });

  it("without any fault runs every container to its end", async () => {
    const { result } = await trySeed(26, { without: new Set(FAULT_KINDS) });
    expect(result?.violations).toEqual([]);
    expect(result?.faults.size).toBe(0);
    expect(result?.restartsCount).toBe(0);
  });

  it("is traced, a line an event and a column an actor", async () => {
    const trace = new Trace();
    await trySeed(26, { trace });
    const [, columns, titles, ...lines] = trace.lines();
    expect(columns).toMatch(/^columns: D dispatcher, A zzzzz-dz642-/);
    const width = (titles ?? "").trim().split(" ").at(-1)?.length ?? 0;
    expect(width).toBeGreaterThan(3);
    for (const line of lines) expect(line.slice(12).indexOf(" ")).toBe(width);
    expect(lines.some((line) => line.includes("instance.create"))).toBe(true);
  });
});

describe("a plan of faults", () => {
  it("leaves the others as they are when one is switched off", () => {
    for (let seed = 1; seed <= 50; seed++) {
      const plan = drawFaultPlan(seed);
      const kinds = Object.keys(plan) as FaultKind[];
      const off = kinds[0];
      if (off === undefined) continue;
      const { [off]: _off, ...others } = plan;
      expect(drawFaultPlan(seed, new Set([off]))).toEqual(others);
    }
  });

  it("has each kind of fault in some of a hundred seeds", () => {
    const drawn = new Set<string>();
    for (let seed = 1; seed <= 100; seed++)
      for (const kind of Object.keys(drawFaultPlan(seed))) drawn.add(kind);
    expect([...drawn].sort()).toEqual([...FAULT_KINDS].sort());
  });

  it("lets nothing go wrong once it is stopped", () => {
    const faults = new Faults(1, { createFails: 1 });
    expect(faults.happens("createFails")).toBe(true);
    faults.stop();
    expect(faults.happens("createFails")).toBe(false);
  });
});

describe("a mutant", () => {
  it.each(MUTANTS)("$name still cuts a net that is there", (mutant) => {
    for (const { file, find, replace } of [mutant, ...(mutant.also ?? [])]) {
      const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
      expect(text.split(find)).toHaveLength(2);
      expect(replace).not.toBe(find);
    }
  });
});
