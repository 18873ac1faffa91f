import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** A process is signalled by one schedule, whoever asks for its end, and however often: with a pause, so that it ends. */
export function signalsPaced(): Invariant {
  const lastAtMs = new Map<string, number>();
  const judge = ({ record }: RecordEvent, { dispatcher }: World): string | undefined => {
    const { atMs } = record.fact;
    const pauseMs = dispatcher?.supervisor.settings.timeoutSignalMs ?? 0;
    for (const command of record.commands) {
      if (command.kind !== "process.start" && command.kind !== "process.kill") continue;
      const process = `${command.containerId} on ${command.instanceId}`;
      const sinceMs = atMs - (lastAtMs.get(process) ?? -Infinity);
      lastAtMs.delete(process);
      if (command.kind === "process.start") continue;
      lastAtMs.set(process, atMs);
      if (sinceMs < pauseMs) return `${process} is signalled again after ${sinceMs} ms`;
    }
    return undefined;
  };
  return {
    name: "signalsPaced",
    check(event, world) {
      // A schedule begins again with a start.
      if (event.type === "daemon.started") lastAtMs.clear();
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
  };
}
