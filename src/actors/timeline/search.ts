import { journalIds, type Journal } from "../../drivers/journal/port.ts";
import type { Fact } from "../../machines/model/fact.ts";
import { parseActorKey, actorKey, ONLY } from "../../machines/model/ids.ts";
import type { Core } from "../../machines/core/core.ts";
import type { ActorName } from "../../machines/explain/concerns.ts";
import { bornSeq } from "../../machines/explain/worker-explanation.ts";
import type { ToldTimes } from "../../machines/model/told-times.ts";
import type { Turn } from "./walk.ts";

/** Records from the first to the last, and how their times are told. */
interface Searched {
  readonly times: ToldTimes;
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/**
 * The newest record at or before a time, to the millisecond, as times are shown; the one before the first at least. Where
 * runs have recorded the same time, it is the latest run's: as they are told now, the times of a journal never decrease.
 */
export function seqAt(
  journal: Journal,
  atMs: number,
  { times, firstSeq, lastSeq }: Searched,
): number {
  return newestAt(atMs, firstSeq, lastSeq, (seq) => times.timeAt(seq, timeOf(journal, seq)));
}

/** Of records whose times do not decrease; the one before the first at least. */
function newestAt(
  atMs: number,
  firstSeq: number,
  lastSeq: number,
  timeAt: (seq: number) => number,
): number {
  let low = firstSeq - 1;
  let high = lastSeq;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (Math.floor(timeAt(middle)) <= atMs) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * A time that lies ahead of the journal's end, and of `nowMs`, may be one that an earlier run recorded whose clock was
 * ahead: then it is that, as it is told now, of the latest such run.
 */
export function toldMoment(
  journal: Journal,
  atMs: number,
  { times, firstSeq, lastSeq }: Searched,
  nowMs: number,
): number {
  if (times.seqs.length === 0 || firstSeq === 0) return atMs;
  if (atMs <= Math.max(nowMs, Math.floor(timeOf(journal, lastSeq)))) return atMs;
  const starts = [firstSeq, ...times.seqs.filter((seq) => seq > firstSeq && seq <= lastSeq)];
  for (let at = starts.length - 2; at >= 0; at--) {
    const [from, to] = [starts[at] ?? firstSeq, (starts[at + 1] ?? lastSeq + 1) - 1];
    const seq = newestAt(atMs, from, to, (each) => timeOf(journal, each));
    if (isWithinRun(journal, { atMs, seq, from, to })) return times.timeAt(to, atMs);
  }
  return atMs;
}

/** Whether the run of the newest record before a time went on to it: what comes next is no start. */
function isWithinRun(
  journal: Journal,
  { atMs, seq, from, to }: { atMs: number; seq: number; from: number; to: number },
): boolean {
  if (seq < from) return false;
  if (seq === to) return atMs === Math.floor(timeOf(journal, to));
  for (const { fact } of journal.read({ fromSeq: seq + 1, toSeq: seq + 1 }))
    return fact.type !== "config.loaded" && fact.type !== "daemon.started";
  return false;
}

/** As recorded. */
export function timeOf(journal: Journal, seq: number): number {
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

/**
 * Whom an id means, also when that is long gone: by the index, by those who are known now, or as the worker that stood for
 * an instance of the cloud. Undefined where the journal has never heard of it.
 */
export async function whoWas(
  id: string,
  known: () => Promise<ActorName | undefined>,
  searched: InstanceSearch,
): Promise<ActorName | undefined> {
  const named = limitNamed(id) ?? actorInIndex(searched.journal, id) ?? (await known());
  if (named) return named;
  const workerId = await workerOfInstance(id, searched);
  return workerId === undefined ? undefined : { kind: "worker", id: workerId };
}

function actorInIndex(journal: Journal, id: string): ActorName | undefined {
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

/** The first and the last record that name a worker or a container; of limits not all that concern them do. */
export function namedIn(
  journal: Journal,
  { kind, id }: ActorName,
): { readonly firstSeq?: number | undefined; readonly lastSeq?: number | undefined } {
  if (kind !== "worker" && kind !== "container") return {};
  const seqs = journal.seqsOf(actorKey(kind, id));
  const born = kind === "worker" ? bornSeq(id, journalIds(journal)) : undefined;
  return { firstSeq: born ?? seqs[0], lastSeq: seqs.at(-1) };
}

interface InstanceSearch extends Turn {
  readonly journal: Journal;
  readonly recordsMax: number;
}

const CHUNK_RECORDS = 2_000;

/** The index knows workers only, so the records are looked through, the newest first; of those the newest `recordsMax`. */
async function workerOfInstance(
  instanceId: string,
  { journal, recordsMax, pause, signal }: InstanceSearch,
): Promise<string | undefined> {
  const { firstSeq, lastSeq } = journal.stats();
  if (firstSeq === 0) return undefined;
  const oldestSeq = Math.max(firstSeq, lastSeq - recordsMax + 1);
  for (let toSeq = lastSeq; toSeq >= oldestSeq; toSeq -= CHUNK_RECORDS) {
    const fromSeq = Math.max(oldestSeq, toSeq - CHUNK_RECORDS + 1);
    for (const { fact } of journal.read({ fromSeq, toSeq })) {
      const workerId = workerIn(fact, instanceId);
      if (workerId !== undefined) return workerId;
    }
    await pause();
    signal?.throwIfAborted();
  }
  return undefined;
}

function workerIn(fact: Fact, instanceId: string): string | undefined {
  if (fact.type === "create.succeeded" && fact.instanceId === instanceId) return fact.workerId;
  if (fact.type === "instance.seen" && fact.instanceId === instanceId)
    return fact.createdBy ?? fact.instanceId;
  return undefined;
}
