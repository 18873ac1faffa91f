import type { Invariant } from "./invariant.ts";

/** No container runs twice at once, or on two VMs, or again after it began once. */
export function oneProcessAtATime(): Invariant {
  const alive = new Map<string, string>();
  const began = new Set<string>();
  return {
    name: "oneProcessAtATime",
    check(event) {
      if (event.type === "process.detached") {
        const other = alive.get(event.containerId);
        alive.set(event.containerId, event.instanceId);
        if (other !== undefined)
          return `${event.containerId} is started on ${event.instanceId} while it has a process on ${other}`;
      }
      if (event.type === "process.began") {
        const again = began.has(event.containerId);
        began.add(event.containerId);
        if (again) return `${event.containerId} runs for a second time`;
      }
      if (event.type === "process.died" && alive.get(event.containerId) === event.instanceId)
        alive.delete(event.containerId);
      return undefined;
    },
  };
}
