import type { Invariant } from "./invariant.ts";

/** Every VM that was ever made is gone in the end, and every container has ended, once. */
export function nothingLeftBehind(): Invariant {
  return {
    name: "nothingLeftBehind",
    check: () => undefined,
    checkEnd({ cloud, queue, dispatcher }) {
      if (cloud.instanceIds.length > 0) return `left in the cloud: ${cloud.instanceIds.join(" ")}`;
      const workers = [...(dispatcher?.supervisor.known.ids("worker") ?? [])];
      if (workers.length > 0) return `workers without an instance: ${workers.join(" ")}`;
      for (const { containerId, endsCount, record } of queue.containers.values())
        if (endsCount !== 1 && BigInt(record.priority) > 0n)
          return `${containerId} is ${record.state}, and has ended ${endsCount} times`;
      return undefined;
    },
  };
}
