import type { Invariant } from "./invariant.ts";

/**
 * No id of a command comes twice, whatever became of the journal: the secret of an instance derives from the id of its
 * create, and tells whose it is (docs/design.md: ids).
 */
export function commandIdsOnce(): Invariant {
  const released = new Set<string>();
  return {
    name: "commandIdsOnce",
    check(event) {
      if (event.type !== "record.released") return undefined;
      for (const { kind, id } of event.record.commands) {
        if (released.has(id)) return `${kind} ${id}: an earlier run has sent a command of this id`;
        released.add(id);
      }
      return undefined;
    },
  };
}
