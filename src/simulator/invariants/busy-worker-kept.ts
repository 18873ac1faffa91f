import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** The only reasons for which a worker may be given up that may be running a wanted container (DESIGN). */
const ALLOWED = [
  /^no good answer to a probe for /,
  /^an operator asked: /,
  /no process obeys SIGTERM/,
];

/**
 * No worker is destroyed while it may run a wanted container, unless it gave no answer for long enough, its container
 * could not be killed, or an operator said so. That it gave no answer is checked against the questions and the answers.
 */
export function busyWorkerKept(): Invariant {
  const listedAtMs = new Map<string, number>();
  const askedAtMs = new Map<string, number>();
  const judge = ({ record, changes, atMs }: RecordEvent, world: World): string | undefined => {
    for (const command of record.commands) {
      if (command.kind !== "instance.destroy") continue;
      const { instanceId, workerId } = command;
      const change = changes.find(({ kind, id }) => kind === "worker" && id === workerId);
      const context = change?.after.context as
        { shutdownReason: string; bornAtMs: number } | undefined;
      const reason = context?.shutdownReason ?? "";
      const busy = wantedOn(world, instanceId);
      if (busy.length > 0 && !ALLOWED.some((allowed) => allowed.test(reason)))
        return `${instanceId} is destroyed while it runs ${busy.join(" ")}: ${reason || "no reason"}`;
      const answeredAtMs = Math.max(
        listedAtMs.get(instanceId) ?? 0,
        askedAtMs.get(instanceId) ?? Infinity,
      );
      const { timeoutProbeMs, timeoutBootingMs } = settingsOf(world);
      const patienceMs = Math.min(timeoutProbeMs, timeoutBootingMs);
      const first =
        (change?.before?.value as { lifecycle?: string } | undefined)?.lifecycle !== "shutdown";
      if (first && ALLOWED[0]?.test(reason) && busy.length > 0 && atMs - answeredAtMs < patienceMs)
        return answeredAtMs === Infinity
          ? `${instanceId} is destroyed for not answering, and was never asked`
          : `${instanceId} is destroyed for not answering, and answered ${atMs - answeredAtMs} ms ago`;
    }
    return undefined;
  };
  return {
    name: "busyWorkerKept",
    check(event, world) {
      if (event.type === "vm.listed") listedAtMs.set(event.instanceId, event.atMs);
      if (event.type === "vm.asked") askedAtMs.set(event.instanceId, event.atMs);
      if (event.type === "daemon.started") askedAtMs.clear();
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
  };
}

/** Containers that have a living runner on the VM and that the queue wants to run. */
function wantedOn(world: World, instanceId: string): string[] {
  const ids = world.cloud.vm(instanceId)?.runningIds ?? [];
  return ids.filter((id) => {
    const record = world.queue.containers.get(id)?.record;
    const runs = record?.state === "Locked" || record?.state === "Running";
    return runs && BigInt(record.priority) > 0n;
  });
}

function settingsOf(world: World): { timeoutProbeMs: number; timeoutBootingMs: number } {
  return world.dispatcher?.supervisor.settings ?? { timeoutProbeMs: 0, timeoutBootingMs: 0 };
}
