import type { WorkerSnapshot } from "./worker.machine.ts";

/** Since when it is in its state, as far as it remembers; null of one that is gone and was never destroyed. */
export function stateSinceMs({
  value,
  context,
}: Pick<WorkerSnapshot, "value" | "context">): number | null {
  switch (value.lifecycle) {
    case "creating":
      return context.bornAtMs;
    case "unknown":
    case "booting":
      return context.appearedAtMs;
    case "idle":
      return context.busyAtMs;
    case "running":
      return Math.min(...Object.values(context.processes).map(({ sinceMs }) => sinceMs));
    case "shutdown":
    case "gone":
      return context.destroyedAtMs;
    default:
      return value.lifecycle satisfies never;
  }
}
