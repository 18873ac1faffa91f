import type { Journal } from "../../drivers/journal/port.ts";
import { parseActorKey, actorKey, ONLY } from "../../machines/model/ids.ts";
import type { Core } from "../../machines/core/core.ts";
import type { ActorName } from "../../machines/explain/history.ts";

/**
 * The newest record at or before a time, to the millisecond, as times are shown; the one before the first at least. The
 * times of a journal never decrease.
 */
export function seqAt(
  journal: Journal,
  atMs: number,
  bounds: { firstSeq: number; lastSeq: number },
): number {
  let low = bounds.firstSeq - 1;
  let high = bounds.lastSeq;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (Math.floor(timeOf(journal, middle)) <= atMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

function timeOf(journal: Journal, seq: number): number {
  for (const { fact } of journal.read({ fromSeq: seq, toSeq: seq })) return fact.atMs;
  return Infinity;
}

/** `supervisor`, `quota`, `throttle` and `capacity:KEY`; undefined for what names a worker or a container. */
export function limitNamed(id: string): ActorName | undefined {
  if (id === "supervisor" || id === "quota" || id === "throttle") return { kind: id, id: ONLY };
  if (id.startsWith("capacity:")) return { kind: "capacity", id: id.slice("capacity:".length) };
  const actor = id.includes("/") ? parseActorKey(id) : undefined;
  return actor && actor.kind !== "worker" && actor.kind !== "container" ? actor : undefined;
}

/** Who is called that in a state, by the dispatcher's names or the cloud's. */
export function actorIn({ registry }: Pick<Core, "registry">, id: string): ActorName | undefined {
  const limit = limitNamed(id);
  if (limit) return registry.get(limit.kind, limit.id) ? limit : undefined;
  const named = id.includes("/") ? parseActorKey(id) : undefined;
  if (named && registry.get(named.kind, named.id)) return named;
  if (registry.get("container", id)) return { kind: "container", id };
  if (registry.get("worker", id)) return { kind: "worker", id };
  const workerId = registry.workerOfInstance(id);
  return workerId === undefined ? undefined : { kind: "worker", id: workerId };
}

/** The index's word on an actor that may be long gone. */
export function actorInIndex(journal: Journal, id: string): ActorName | undefined {
  const named = id.includes("/") ? parseActorKey(id) : undefined;
  const names: ActorName[] = [
    ...(named ? [named] : []),
    { kind: "container", id },
    { kind: "worker", id },
  ];
  return names.find(
    (name) => journal.seqsOf(actorKey(name.kind, name.id), { limit: 1 }).length > 0,
  );
}
