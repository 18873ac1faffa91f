import { expect, it } from "vitest";
import { reportFailure, trySeed } from "./seed-report.ts";

const CHUNK = 20;

/** Some seeds a test: one that fails prints all that is needed to repeat it. */
export function testSeeds(first: number, count: number): void {
  for (let from = first; from < first + count; from += CHUNK) {
    const to = from + CHUNK - 1;
    it(`seeds ${from} to ${to} keep every invariant, come to rest and replay alike`, async () => {
      for (let seed = from; seed <= to; seed++) {
        const { failure } = await trySeed(seed);
        expect(failure === undefined ? "" : await reportFailure(seed)).toBe("");
      }
    }, 60_000);
  }
}
