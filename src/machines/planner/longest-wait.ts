import type { PlanView } from "./view.ts";

/** How long the container that waits longest has waited, in ms; 0 where none waits (specification §6.8). */
export function longestWaitMs(view: PlanView, started: ReadonlySet<string> = new Set()): number {
  let oldestAtMs = view.nowMs;
  for (const { containerId, state, priority, createdAtMs } of view.containers) {
    const waits =
      priority >= 1n &&
      (state === "Queued" || state === "Locked") &&
      !view.running.has(containerId) &&
      !started.has(containerId);
    if (waits && createdAtMs < oldestAtMs) oldestAtMs = createdAtMs;
  }
  return view.nowMs - oldestAtMs;
}
