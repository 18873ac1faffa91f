import type { HistoryMark } from "../../wire/actor.ts";
import type { MarkKind } from "../../wire/record.ts";
import { toPx, type Viewport } from "../time/viewport.ts";
import type { Warp } from "../time/warp.ts";

/** In the order of a record: what happened, what was decided, what was asked for, what came of it. */
export const MARK_KINDS: readonly MarkKind[] = ["fact", "decision", "command", "outcome"];

export interface Mark extends HistoryMark {
  readonly atMs: number;
  /** Its place among all: one record may have several marks. */
  readonly index: number;
}

/** Marks that lie so close together that they are drawn as one. */
export interface MarkGroup {
  readonly kind: MarkKind;
  readonly px: number;
  readonly marks: readonly Mark[];
}

export interface MarkFilter {
  readonly kinds: ReadonlySet<MarkKind>;
  readonly noise: boolean;
}

/** Goes on to the mark before or after. */
export type StepMark = (by: 1 | -1) => void;

export function readMarks(marks: readonly HistoryMark[]): Mark[] {
  return marks.map((mark, index) => ({ ...mark, atMs: Date.parse(mark.at), index }));
}

export function filterMarks(marks: readonly Mark[], { kinds, noise }: MarkFilter): Mark[] {
  return marks.filter((mark) => kinds.has(mark.kind) && (noise || !mark.noise));
}

/** What is seen of one kind, from left to right; two groups are never closer than `apartPx`. */
export function groupMarks(
  marks: readonly Mark[],
  kind: MarkKind,
  place: { readonly view: Viewport; readonly warp: Warp },
  apartPx: number,
): MarkGroup[] {
  const { view, warp } = place;
  const groups: { kind: MarkKind; px: number; marks: Mark[] }[] = [];
  for (const mark of marks) {
    if (mark.kind !== kind) continue;
    const px = toPx(view, warp.toWarped(mark.atMs));
    if (px < -apartPx || px > view.widthPx + apartPx) continue;
    const last = groups.at(-1);
    if (last && px - last.px < apartPx) last.marks.push(mark);
    else groups.push({ kind, px, marks: [mark] });
  }
  return groups;
}

/** The group nearest to a pointer, if one is within `reachPx`. */
export function groupAt(
  groups: readonly MarkGroup[],
  px: number,
  reachPx: number,
): MarkGroup | undefined {
  let nearest: MarkGroup | undefined;
  for (const group of groups)
    if (Math.abs(group.px - px) <= Math.abs((nearest?.px ?? Infinity) - px)) nearest = group;
  return nearest && Math.abs(nearest.px - px) <= reachPx ? nearest : undefined;
}

/** The mark before or after one of them; without one, the first or the last. */
export function neighbour(
  marks: readonly Mark[],
  index: number | null,
  step: 1 | -1,
): Mark | undefined {
  if (index === null) return step === 1 ? marks[0] : marks.at(-1);
  return step === 1
    ? marks.find((mark) => mark.index > index)
    : marks.findLast((mark) => mark.index < index);
}
