import type { Limits } from "../model/decision.ts";
import type { SetBack } from "../model/fact.ts";
import { ONLY, type ActorKind } from "../model/ids.ts";
import type { Move } from "../model/told-times.ts";
import { restore } from "../step.ts";
import type { WorkerProcess } from "../worker/worker.types.ts";
import { MACHINES, type AnySnapshot, type Registry, type SnapshotOf } from "./registry.ts";

type InstantKey<C> = Extract<keyof C, `${string}Ms`>;
/** Whether a member is an instant, or holds some. */
type HasInstants<K, V> = V extends number
  ? K extends `${string}Ms`
    ? true
    : false
  : V extends object
    ? [InstantKey<V>] extends [never]
      ? false
      : true
    : false;
/**
 * Every member that ends in `Ms`, also of those within, so that one that is added cannot be forgotten; false: not told by
 * our clock, or a span.
 */
type Instants<C> = {
  readonly [
    K in keyof C as true extends HasInstants<K, NonNullable<C[K]>> ? K : never
  ]-?: NonNullable<C[K]> extends number ? boolean : false | Instants<NonNullable<C[K]>>;
};
type ContextOf<K extends ActorKind> = SnapshotOf[K]["context"];

const OF_REFUSAL = { sinceMs: true, lastAtMs: true } as const;

const INSTANTS: { readonly [K in ActorKind]: Instants<ContextOf<K>> } = {
  worker: {
    bornAtMs: true,
    appearedAtMs: true,
    busyAtMs: true,
    idleDeadlineAtMs: true,
    unknownDeadlineAtMs: true,
    startsUntilMs: true,
    destroyedAtMs: true,
    destroySentAtMs: true,
    destroyNextAtMs: true,
    destroyAccepted: { atMs: true },
    destroyRefused: OF_REFUSAL,
    tagsRefused: OF_REFUSAL,
    missingSinceMs: true,
    staleSinceMs: true,
    sshConnectedAtMs: true,
    readyAtMs: true,
  },
  container: {
    // The queue says so.
    createdAtMs: false,
    record: false,
    firstSeenAtMs: true,
    exitedAtMs: true,
    retryAtMs: true,
    waitSinceMs: true,
  },
  supervisor: { startedAtMs: true, staleLockDeadlineAtMs: true },
  quota: { untilMs: true },
  capacity: { untilMs: true },
  throttle: { untilMs: true },
};
const OF_PROCESS: Instants<Omit<WorkerProcess, "kill">> = { sinceMs: true, settleAtMs: true };
const OF_KILL: Instants<NonNullable<WorkerProcess["kill"]>> = {
  sinceMs: true,
  deadlineAtMs: true,
  nextAtMs: true,
};

/** What a start that happens at `nowMs` has to say of the clock; undefined where it has gone on. */
export function setBackAt(
  { atMs, registry }: { readonly atMs: number; readonly registry: Registry },
  nowMs: number,
): SetBack | undefined {
  if (nowMs >= atMs) return undefined;
  const sinceMs = registry.get("supervisor", ONLY)?.context.startedAtMs ?? 0;
  return { fromMs: atMs, sinceMs: Math.min(sinceMs, atMs) };
}

/** An actor with all that it remembers of time moved. */
export function movedSnapshot(kind: ActorKind, snapshot: AnySnapshot, move: Move): AnySnapshot {
  const context: object = moved(snapshot.context, INSTANTS[kind], move);
  const processes =
    "processes" in context && kind === "worker"
      ? { processes: movedProcesses((snapshot as SnapshotOf["worker"]).context.processes, move) }
      : {};
  return restore(MACHINES[kind], { value: snapshot.value, context: { ...context, ...processes } });
}

export function movedLimits(limits: Limits, move: Move): Limits {
  const { last503AtMs } = limits;
  return last503AtMs === null ? limits : { ...limits, last503AtMs: move(last503AtMs) };
}

function movedProcesses(
  processes: Readonly<Record<string, WorkerProcess>>,
  move: Move,
): Record<string, WorkerProcess> {
  return Object.fromEntries(
    Object.entries(processes).map(([id, process]) => {
      const { kill } = process;
      return [
        id,
        { ...moved(process, OF_PROCESS, move), kill: kill && moved(kill, OF_KILL, move) },
      ];
    }),
  );
}

function moved<C extends object>(context: C, instants: object, move: Move): C {
  const kinds = new Map<string, unknown>(Object.entries(instants));
  const entries = Object.entries(context).map(([key, value]: [string, unknown]) => {
    const kind = kinds.get(key);
    if (kind === true && typeof value === "number") return [key, move(value)];
    const isWithin = isObject(kind) && isObject(value);
    return [key, isWithin ? moved(value, kind, move) : value];
  });
  return Object.fromEntries(entries) as C;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}
