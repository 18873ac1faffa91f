import type { Invariant } from "./invariant.ts";

/** In a journal, no fact is before the last one, whatever the wall clock did between two runs (DESIGN: time). */
export function timeGoesOn(): Invariant {
  return {
    name: "timeGoesOn",
    check: () => undefined,
    checkEnd({ journal }) {
      let lastAtMs = -Infinity;
      for (const { seq, fact } of journal?.read() ?? []) {
        if (fact.atMs < lastAtMs)
          return `${fact.type} at seq ${seq} is ${lastAtMs - fact.atMs} ms before the record that it follows`;
        lastAtMs = fact.atMs;
      }
      return undefined;
    },
  };
}
