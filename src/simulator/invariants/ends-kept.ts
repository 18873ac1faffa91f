import type { Invariant } from "./invariant.ts";

/** What its runner has ended as Complete stays so: the queue would let it be cancelled all the same (specification §3). */
export function endsKept(): Invariant {
  const complete = new Set<string>();
  return {
    name: "endsKept",
    check(event) {
      if (event.type !== "container.moved") return undefined;
      if (event.state === "Complete") complete.add(event.containerId);
      if (event.state !== "Cancelled" || !complete.has(event.containerId)) return undefined;
      return `${event.containerId} was Complete, and is made Cancelled by the ${event.by}`;
    },
  };
}
