import { useEffect, useRef, useState } from "preact/hooks";
import { cursorMs } from "../time/page-travel.ts";
import { formatTime } from "../../../machines/model/amounts.ts";
import { KindSign } from "./HistoryChart.tsx";
import type { Mark } from "./marks.ts";

const PAGE = 120;

interface MarkListProps {
  readonly marks: readonly Mark[];
  readonly selectedSeq: number | null;
  readonly onSelect: (mark: Mark) => void;
}

/** The marks as a list, to be read without the picture; a part of it where there are many. */
export function MarkList({ marks, selectedSeq, onSelect }: MarkListProps) {
  const [shift, setShift] = useState(0);
  const list = useRef<HTMLOListElement>(null);
  const at = placeOf(marks, selectedSeq);
  const first = Math.max(0, Math.min(at + shift - PAGE / 2, marks.length - PAGE));
  const shown = marks.slice(first, first + PAGE);
  const left = marks.length - first - shown.length;
  useEffect(() => setShift(0), [selectedSeq]);
  useEffect(() => {
    scrollTo(list.current, list.current?.querySelector("[aria-current]") ?? null);
  }, [selectedSeq, first]);
  if (marks.length === 0) return <p class="note">Nothing of the chosen kinds has happened.</p>;
  return (
    <div class="mark-list">
      {first > 0 && (
        <button type="button" class="quiet" onClick={() => setShift(shift - PAGE)}>
          {first} earlier
        </button>
      )}
      <ol ref={list} aria-label="Marks">
        {shown.map((mark) => (
          <MarkItem
            key={mark.index}
            mark={mark}
            isCurrent={mark.seq === selectedSeq}
            onSelect={onSelect}
          />
        ))}
      </ol>
      {left > 0 && (
        <button type="button" class="quiet" onClick={() => setShift(shift + PAGE)}>
          {left} later
        </button>
      )}
    </div>
  );
}

/** Within the list only: the page stays where it is. */
function scrollTo(list: HTMLElement | null, item: Element | null): void {
  const box = list?.parentElement;
  if (!box || !item) return;
  const { top, bottom } = item.getBoundingClientRect();
  const seen = box.getBoundingClientRect();
  if (top < seen.top) box.scrollTop -= seen.top - top;
  else if (bottom > seen.bottom) box.scrollTop += bottom - seen.bottom;
}

interface MarkItemProps {
  readonly mark: Mark;
  readonly isCurrent: boolean;
  readonly onSelect: (mark: Mark) => void;
}

function MarkItem({ mark, isCurrent, onSelect }: MarkItemProps) {
  const { kind, at, text, type, noise, failed, transitions, atMs } = mark;
  const moves = transitions.filter(({ from, to }) => to !== "" && to !== from);
  const isAhead = cursorMs.value !== null && atMs > cursorMs.value;
  return (
    <li class={`${noise ? "noise" : ""} ${failed ? "failed" : ""} ${isAhead ? "ahead" : ""}`}>
      <button
        type="button"
        aria-current={isCurrent ? "true" : undefined}
        onClick={() => onSelect(mark)}
      >
        <KindSign kind={kind} />
        <time dateTime={at}>{formatTime(at).slice(11)}</time>
        <span class="text">
          <span class="visually-hidden">{kind} </span>
          {failed && (
            <b class="fail-sign" title="something went wrong">
              ✗<span class="visually-hidden"> failure: </span>{" "}
            </b>
          )}
          {text || type}
          {moves.map(({ to }) => (
            <span class="to" key={to}>
              → {to.split(".").at(-1)}
            </span>
          ))}
        </span>
      </button>
    </li>
  );
}

/** Where the selected record stands, or what is shown of the journal, or the end. */
function placeOf(marks: readonly Mark[], selectedSeq: number | null): number {
  const selected = marks.findIndex(({ seq }) => seq === selectedSeq);
  if (selected >= 0) return selected;
  const atMs = cursorMs.peek();
  if (atMs === null) return marks.length;
  const later = marks.findIndex((mark) => mark.atMs > atMs);
  return later < 0 ? marks.length : later;
}
