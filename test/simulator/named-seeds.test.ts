import { describe, expect, it } from "vitest";
import { NAMED_SEEDS } from "./budget.ts";
import { reportFailure, trySeed } from "./seed-report.ts";

describe("a seed that once failed", () => {
  it.each(NAMED_SEEDS)("$seed stays mended: $why", async ({ seed }) => {
    const { failure } = await trySeed(seed);
    expect(failure === undefined ? "" : await reportFailure(seed)).toBe("");
  });
});
