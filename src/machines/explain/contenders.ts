import { rejectionOf } from "../container/container.rejection.ts";
import type { ContainerSnapshot } from "../container/container.machine.ts";
import type { Core } from "../core/core.ts";
import type { Change } from "../core/draft.ts";

/** How many containers run or want to: those that the scheduler counts against its limit (specification §6.5 D). */
export class Contenders {
  count = 0;

  begin(core: Core): void {
    this.count = 0;
    for (const [, snapshot] of core.registry.entries("container"))
      if (contends(snapshot)) this.count++;
  }

  see(changes: readonly Change[]): void {
    for (const { kind, before, after, removed } of changes) {
      if (kind !== "container") continue;
      if (before && contends(before as ContainerSnapshot)) this.count--;
      if (!removed && contends(after as ContainerSnapshot)) this.count++;
    }
  }
}

function contends(container: ContainerSnapshot): boolean {
  const { value, context } = container;
  if (value.process !== "absent") return true;
  const waits = value.record === "Queued" || value.record === "Locked";
  return waits && rejectionOf(container) === "" && BigInt(context.priority) > 0n;
}
