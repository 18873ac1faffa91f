import type { AnySnapshot } from "../../machines/core/registry.ts";
import type { World } from "../world.ts";
import type { FaultKind } from "../faults.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** Beyond TimeoutProbe: the probe that is under way, its turn, and one full attempt more (specification §7.8 step 5). */
const PROBES_SLACK = 3;
/** While the journal stands still, nobody is probed. */
const STOPS_PROBES: readonly FaultKind[] = ["journalFull", "journalSlow"];

/** A worker that has booted and answers no more is given up in time, unless an operator holds it: it costs, and works nothing. */
export function silentWorkerGivenUp(): Invariant {
  const heardAtMs = new Map<string, number>();
  const judge = ({ atMs, changes }: RecordEvent, world: World): string | undefined => {
    const { dispatcher, config, faults } = world;
    if (!dispatcher || STOPS_PROBES.some((kind) => kind in faults.plan)) return undefined;
    const { readModel, settings } = dispatcher.supervisor;
    const attemptMs = config.probeIntervalMs + config.commandTimeoutMs;
    const patienceMs = settings.timeoutProbeMs + PROBES_SLACK * attemptMs;
    // While one is held and silent, nothing may be recorded: the record that ends the hold tells of it.
    const freed = new Set(changes.filter(({ before }) => isHeld(before)).map(({ id }) => id));
    for (const [id, { value, context }] of readModel.entries("worker")) {
      // Whoever ends a hold leaves it all its time again.
      if (value.idleBehavior === "hold" || freed.has(id)) heardAtMs.set(context.instanceId, atMs);
      const works = value.lifecycle === "idle" || value.lifecycle === "running";
      const silentMs = atMs - (heardAtMs.get(context.instanceId) ?? atMs);
      if (works && silentMs > patienceMs)
        return `${id} has not answered for ${silentMs} ms, and is kept`;
    }
    return undefined;
  };
  return {
    name: "silentWorkerGivenUp",
    check(event, world) {
      if (event.type === "daemon.started") heardAtMs.clear();
      if (event.type === "vm.asked" || event.type === "vm.listed")
        heardAtMs.set(event.instanceId, event.atMs);
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
  };
}

function isHeld(snapshot: AnySnapshot | undefined): boolean {
  return (snapshot?.value as { idleBehavior?: string } | undefined)?.idleBehavior === "hold";
}
