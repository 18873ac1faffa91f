import type { Change } from "../../machines/core/draft.ts";
import type { IdleBehavior } from "../../machines/model/command.ts";
import type { FactOf } from "../../machines/model/fact.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

type Probe = FactOf<"probe.succeeded" | "probe.failed">;
/** Beyond TimeoutStaleRunLock: a start or an exit may have overtaken the probes that told of the lock. */
const OVERTAKEN_PROBES = 3;

/**
 * A worker that has said that it is broken, or that a run lock's process is gone and the lock still held for longer than
 * TimeoutStaleRunLock, is given nothing new: it is drained, unless an operator holds it, and nobody starts there. So is one
 * of a type that has left the config.
 */
export function brokenWorkerDrained(): Invariant {
  const staleSinceMs = new Map<string, number>();
  const saysStaleForMs = (probe: Probe): number => {
    if (probe.type === "probe.failed") return 0;
    if (!probe.stale) staleSinceMs.delete(probe.workerId);
    else if (!staleSinceMs.has(probe.workerId)) staleSinceMs.set(probe.workerId, probe.atMs);
    return probe.stale ? probe.atMs - (staleSinceMs.get(probe.workerId) ?? probe.atMs) : 0;
  };
  const judge = ({ record, changes }: RecordEvent, world: World): string | undefined => {
    const { fact } = record;
    if (fact.type === "daemon.started") staleSinceMs.clear();
    // Later an operator may want it otherwise.
    const mayBeRemoved = fact.type === "daemon.started" ? changes : changes.filter(isNew);
    const kept = ofRemovedType(mayBeRemoved, world);
    if (kept !== undefined) return kept;
    if (fact.type !== "probe.succeeded" && fact.type !== "probe.failed") return undefined;
    const staleMs = saysStaleForMs(fact);
    if (behaviorOf(world, fact.workerId) !== "run") return undefined;
    if (fact.broken) return `${fact.workerId} has said that it is broken, and is not drained`;
    const { dispatcher, config } = world;
    const { timeoutStaleRunLockMs = Infinity } = dispatcher?.supervisor.settings ?? {};
    const slackMs = OVERTAKEN_PROBES * (config.probeIntervalMs + config.commandTimeoutMs);
    return staleMs > timeoutStaleRunLockMs + slackMs
      ? `${fact.workerId} has had a stale run lock for ${staleMs} ms, and is not drained`
      : undefined;
  };
  return {
    name: "brokenWorkerDrained",
    check: (event, world) => (event.type === "record.released" ? judge(event, world) : undefined),
  };
}

/** What a worker that still lives is asked to do; undefined of one that is being destroyed. */
function behaviorOf({ dispatcher }: World, workerId: string): IdleBehavior | undefined {
  const worker = dispatcher?.supervisor.readModel.get("worker", workerId);
  return worker?.value.lifecycle === "shutdown" ? undefined : worker?.value.idleBehavior;
}

function isNew({ before }: Change): boolean {
  return before === undefined;
}

function ofRemovedType(changes: readonly Change[], world: World): string | undefined {
  const types = world.dispatcher?.supervisor.settings.instanceTypes ?? {};
  const kept = changes.find(({ kind, id, after, removed }) => {
    if (kind !== "worker" || removed || behaviorOf(world, id) !== "run") return false;
    return !Object.hasOwn(types, (after.context as { instanceType: string }).instanceType);
  });
  return kept && `${kept.id} is of a type that is not configured, and is not drained`;
}
