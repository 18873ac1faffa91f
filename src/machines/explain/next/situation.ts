import type { SnapshotOf } from "../../core/registry.ts";
import type { ActorKind } from "../../model/ids.ts";
import type { Settings } from "../../model/settings.ts";

/** What is known beside the snapshot when it is asked what may come next. */
export interface Now {
  readonly nowMs: number;
  readonly settings: Settings;
  /** Of a worker: its watermark; null where it is not known, as in a journal file. */
  readonly lastGoodProbeAtMs?: number | null;
}

export interface Situation<K extends ActorKind> extends Now {
  readonly snapshot: SnapshotOf[K];
}

/** What an event may bring, apart from its type, time and place. */
export type Brought = Readonly<Record<string, unknown>>;

/** Of each event of a chart: what it may bring, so that a guard can be asked about each. */
export type PossibleEvents<K extends ActorKind, E extends string> = Readonly<
  Record<E, (situation: Situation<K>) => Brought[]>
>;

/** Of each named condition of a chart: what it looks at, in words with the present numbers. */
export type ConditionTexts<K extends ActorKind> = Readonly<
  Record<string, (situation: Situation<K>, asked: string) => string>
>;

/** An observation that begins now knows all that has changed; a command sent from now on is the newest. */
export const NEWEST_SEQ = Number.MAX_SAFE_INTEGER;

/** It brings nothing that a guard looks at. */
export const plain = (): Brought[] => [{}];

/** All that members may come to together. */
export function each(members: Readonly<Record<string, readonly unknown[]>>): Brought[] {
  return Object.entries(members).reduce<Brought[]>(
    (all, [name, values]) =>
      all.flatMap((brought) => values.map((value) => ({ ...brought, [name]: value }))),
    [{}],
  );
}

export const EITHER = [true, false] as const;
