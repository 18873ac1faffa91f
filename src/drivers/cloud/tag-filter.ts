import { forward } from "./forward.ts";
import type { InstanceSet } from "./port.ts";

/** Lists only instances that carry all requested tags, whatever the driver does about them (specification §9.2). */
export function withTagFilter(
  inner: InstanceSet,
  onFiltered?: (counts: { readonly listedCount: number; readonly keptCount: number }) => void,
): InstanceSet {
  return {
    ...forward(inner),
    async list(tags, signal) {
      const requested = Object.entries(tags);
      const listed = await inner.list(tags, signal);
      const kept = listed.filter((instance) =>
        requested.every(([key, value]) => instance.tags[key] === value),
      );
      if (kept.length < listed.length) {
        onFiltered?.({ listedCount: listed.length, keptCount: kept.length });
      }
      return kept;
    },
  };
}
