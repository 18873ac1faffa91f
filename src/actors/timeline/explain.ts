import type { Journal } from "../../drivers/journal/port.ts";
import type { Core } from "../../machines/core/core.ts";
import { ContainerExplanationBuilder } from "../../machines/explain/container-explanation.ts";
import type { Coverage, Explanation } from "../../machines/explain/explanation.ts";
import type { ActorName } from "../../machines/explain/concerns.ts";
import { toldCore } from "../../machines/explain/told.ts";
import type { JournalVisitor } from "../../machines/explain/visitor.ts";
import { WorkerExplanationBuilder } from "../../machines/explain/worker-explanation.ts";
import { toldTimesOf } from "../../machines/model/told-times.ts";
import type { ReadModel } from "../read-model.ts";
import { makeTurns } from "../turns.ts";
import { actorIn, namedIn, timeOf, whoWas } from "./search.ts";
import { firstCheckpoint, lastCheckpoint, nothingToBeginWith, startFrom } from "./start.ts";
import { walk, type Fold, type Turn } from "./walk.ts";

export interface ExplainOptions extends Turn {
  readonly journal: Journal;
  /** Those that live now; without it the journal is read to its end. */
  readonly live?: Pick<ReadModel, "get" | "workerOf"> | undefined;
  /** The time that the explanation is for; without it that of the last record. */
  readonly nowMs?: number | undefined;
  /** As things stood after this record, one that the journal has. */
  readonly atSeq?: number | undefined;
  /** More are not read at once. */
  readonly recordsMax: number;
}

/** `atSeq`: as things stood after that record; without it, now. */
export type Explain = (
  id: string,
  signal: AbortSignal,
  atSeq?: number,
) => Promise<Explanation | undefined>;

const CONTAINER_ID = /^[a-z0-9]{5}-dz642-[a-z0-9]{15}$/;
const WAITING_MAX = 8;
const READ_ALL = "explain --journal JOURNAL reads all of them";

/** Explanations for many who ask: one at a time, since each folds a state of its own. */
export function makeExplainer({
  nowMs,
  ...options
}: Omit<ExplainOptions, "nowMs" | "atSeq" | "signal"> & {
  readonly nowMs?: () => number;
}): Explain {
  const inTurn = makeTurns(WAITING_MAX, "explanations");
  return (id, signal, atSeq) =>
    inTurn(() => explain(id, { ...options, nowMs: nowMs?.(), signal, atSeq }), signal);
}

/**
 * Explains a container, or an instance by the cloud's name or the worker's, from the durable records of a journal. Undefined
 * when the journal has never heard of it. Throws `TimelineError`, `JournalError`, and what the signal aborts with.
 */
export async function explain(
  id: string,
  options: ExplainOptions,
): Promise<Explanation | undefined> {
  const known = async (): Promise<ActorName | undefined> => {
    if (CONTAINER_ID.test(id)) return { kind: "container", id };
    const workerId = options.live?.workerOf(id)?.context.workerId;
    return workerId === undefined ? undefined : { kind: "worker", id: workerId };
  };
  const actor: ActorName = (await whoWas(id, known, options)) ?? { kind: "worker", id };
  if (actor.kind === "container") return explainContainer(actor, options);
  if (actor.kind !== "worker") return undefined;
  const found = await explainWorker(actor, options);
  // An instance that a list showed before anybody knew whose it was is indexed under its own name.
  const isOther = found && found.workerId !== actor.id;
  return isOther ? explainWorker({ kind: "worker", id: found.workerId }, options) : found;
}

async function explainContainer(actor: ActorName, options: ExplainOptions) {
  const builder = new ContainerExplanationBuilder(actor.id);
  const read = await readLife(actor, builder, options);
  return read && builder.finish(read.core, read.coverage);
}

async function explainWorker(actor: ActorName, options: ExplainOptions) {
  const builder = new WorkerExplanationBuilder(actor.id);
  const read = await readLife(actor, builder, options);
  return read && builder.finish(read.coverage);
}

/** From the newest checkpoint before its beginning until nobody knows it any more, or to the end. */
async function readLife(
  actor: ActorName,
  builder: JournalVisitor,
  options: ExplainOptions,
): Promise<{ core: Core; coverage: Coverage } | undefined> {
  const { journal, recordsMax, atSeq, pause, signal } = options;
  const life = lifeOf(actor, options);
  if (!life) return undefined;
  const { fold, isCut } = startFor(journal, life, recordsMax);
  const { core } = fold;
  const times = toldTimesOf(journal);
  const isKnown = (): boolean => actorIn(core, actor.id)?.kind === actor.kind;
  const fromSeq = core.seq + 1;
  const before = `what came before record ${fromSeq} (${textOf(times.timeAt(core.seq, core.atMs))})`;
  const missing = isCut
    ? [`${before} is left out: that is more than ${recordsMax} records; ${READ_ALL}`]
    : isKnown()
      ? [`${before} is no longer in the journal: older records were pruned`]
      : [];
  const way = { pause, signal, recordsMax, toSeq: atSeq, about: actor.id };
  const isTruncated = await walk(journal, fold, way, {
    begin: (begun) => builder.begin?.(begun),
    see: (record, changes, seen) => {
      builder.see(record, changes, seen);
      return record.seq < life.lastSeq || life.firstSeq === undefined || isKnown();
    },
  });
  const told = toldCore(core, times);
  const upTo = `up to record ${core.seq} (${textOf(told.atMs)}) only, ${recordsMax} records`;
  if (isTruncated) missing.push(`truncated: it was read ${upTo}; ${READ_ALL}`);
  const endAtMs =
    atSeq === undefined
      ? (options.nowMs ?? journal.stats().lastAtMs ?? told.atMs)
      : times.timeAt(atSeq, timeOf(journal, atSeq));
  const asOfMs = isTruncated ? told.atMs : Math.max(endAtMs, told.atMs);
  const read = { journalId: journal.id, fromSeq, toSeq: core.seq, asOfMs };
  return { core: told, coverage: { ...read, missing: missing.join("; ") } };
}

function textOf(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** Which records tell of somebody. */
interface Life {
  /** The first that names it; undefined where none does. */
  readonly firstSeq: number | undefined;
  /** How far has to be read at least, and at most. */
  readonly lastSeq: number;
  readonly endSeq: number;
}

/** Undefined of one that nobody has heard of. */
function lifeOf(actor: ActorName, { journal, live, atSeq }: ExplainOptions): Life | undefined {
  const { kind, id } = actor;
  const { firstSeq, lastSeq = 0 } = namedIn(journal, actor);
  const present =
    kind === "container" ? live?.get(kind, id) : (live?.get("worker", id) ?? live?.workerOf(id));
  if (lastSeq === 0 && live && !present) return undefined;
  const endSeq = atSeq ?? journal.lastSeq;
  return { firstSeq, lastSeq: present ? endSeq : Math.min(lastSeq, endSeq), endSeq };
}

/**
 * Where to begin: before the first record that names it; where that is too far back, as far back as `recordsMax` allows,
 * for how it ends matters most.
 */
function startFor(
  journal: Journal,
  { firstSeq = Infinity, lastSeq, endSeq }: Life,
  recordsMax: number,
): { fold: Fold; isCut: boolean } {
  const wantedSeq = Math.min(firstSeq - 1, endSeq);
  const needSeq = Math.max(lastSeq, wantedSeq);
  const wanted = startFrom(journal, lastCheckpoint(journal, wantedSeq));
  if (wanted && needSeq - wanted.core.seq <= recordsMax) return { fold: wanted, isCut: false };
  const later = firstCheckpoint(journal, { fromSeq: needSeq - recordsMax, toSeq: endSeq });
  const fold = later && startFrom(journal, later);
  if (fold) return { fold, isCut: wanted !== undefined };
  if (wanted) return { fold: wanted, isCut: false };
  throw nothingToBeginWith(journal);
}
