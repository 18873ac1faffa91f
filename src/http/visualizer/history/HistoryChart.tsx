import type { MarkKind } from "../../wire/record.ts";
import { Axis, AXIS_PX, Cursor, Cuts } from "../time/Axis.tsx";
import { cursorMs } from "../time/page-travel.ts";
import type { TimeView } from "../time/use-time-view.ts";
import type { Viewport } from "../time/viewport.ts";
import type { Warp } from "../time/warp.ts";
import { formatSpan, formatTime } from "../../../machines/model/amounts.ts";
import { placeBars, type BarRow } from "./bars.ts";
import { groupAt, groupMarks, MARK_KINDS, type Mark, type MarkGroup } from "./marks.ts";
import { isQuiet, toneOf } from "./state-tone.ts";

const ROW_PX = 28;
const BAR_PX = 22;
const MARK_APART_PX = 11;
const REACH_PX = 9;
const CHARACTER_PX = 7;

interface HistoryChartProps {
  readonly rows: readonly BarRow[];
  readonly marks: readonly Mark[];
  readonly kinds: ReadonlySet<MarkKind>;
  readonly warp: Warp;
  readonly timeView: TimeView<HTMLDivElement>;
  readonly selectedSeq: number | null;
  readonly onSelect: (mark: Mark) => void;
}

/** Regions' states as bars, and below them what happened, was decided, asked for and came of it, as marks. */
export function HistoryChart(props: HistoryChartProps) {
  const { rows, kinds, warp, timeView } = props;
  const shownKinds = MARK_KINDS.filter((kind) => kinds.has(kind));
  const heightPx = AXIS_PX + (rows.length + shownKinds.length) * ROW_PX + 4;
  const { view } = timeView;
  const place = { view, warp, heightPx };
  return (
    <div class="history-chart">
      <div class="chart-labels" aria-hidden="true">
        {rows.map(({ region }) => (
          <span key={region}>{region === "" ? "state" : region}</span>
        ))}
        {shownKinds.map((kind) => (
          <span key={kind}>
            <KindSign kind={kind} /> {KIND_NAMES[kind]}
          </span>
        ))}
      </div>
      <div class="chart-area" ref={timeView.ref}>
        <svg width={view.widthPx} height={heightPx} role="img" aria-label={describe(rows)}>
          <Cuts {...place} />
          <Axis {...place} />
          {rows.map(({ region, bars }, n) => (
            <BarLine
              key={region}
              bars={bars}
              topPx={AXIS_PX + n * ROW_PX}
              view={view}
              warp={warp}
            />
          ))}
          {shownKinds.map((kind, n) => (
            <MarkLine
              {...props}
              key={kind}
              kind={kind}
              topPx={AXIS_PX + (rows.length + n) * ROW_PX}
            />
          ))}
          <Cursor {...place} atMs={cursorMs.value} />
        </svg>
      </div>
    </div>
  );
}

const KIND_NAMES: Readonly<Record<MarkKind, string>> = {
  fact: "facts",
  decision: "decisions",
  command: "commands",
  outcome: "outcomes",
};

function describe(rows: readonly BarRow[]): string {
  const last = rows.map(
    ({ region, bars }) => `${region || "state"}: ${bars.map(({ state }) => state).join(", ")}`,
  );
  return `Timeline. ${last.join("; ")}`;
}

interface BarLineProps {
  readonly bars: BarRow["bars"];
  readonly topPx: number;
  readonly view: Viewport;
  readonly warp: Warp;
}

function BarLine({ bars, topPx, view, warp }: BarLineProps) {
  return (
    <g class="bars">
      {placeBars(bars, view, warp).map(({ px, widthPx, state, fromMs, toMs, isOpen, fromSeq }) => {
        const quiet = isQuiet(state) ? " quiet" : "";
        const lasted = `${formatSpan(toMs - fromMs)}${isOpen ? " so far" : ""}`;
        const fits = state.length * CHARACTER_PX + 8 < widthPx;
        return (
          <g key={`${fromSeq}/${fromMs}`} class={`bar ${toneOf(state)}${quiet}`}>
            <rect x={px} y={topPx + 3} width={widthPx} height={BAR_PX} rx={2}>
              <title>{`${state}, ${lasted}, from ${timeOf(fromMs)} (#${fromSeq})`}</title>
            </rect>
            {fits && (
              <text x={Math.max(px, 0) + 5} y={topPx + 18}>
                {state}
              </text>
            )}
          </g>
        );
      })}
    </g>
  );
}

function timeOf(atMs: number): string {
  return formatTime(atMs);
}

function MarkLine(props: HistoryChartProps & { readonly kind: MarkKind; readonly topPx: number }) {
  const { marks, kind, warp, timeView, selectedSeq, onSelect, topPx } = props;
  const { view } = timeView;
  const groups = groupMarks(marks, kind, { view, warp }, MARK_APART_PX);
  const select = (event: MouseEvent & { currentTarget: SVGRectElement }): void => {
    const { left } = event.currentTarget.getBoundingClientRect();
    const group = groupAt(groups, event.clientX - left, REACH_PX);
    const mark = group && nextOf(group, selectedSeq);
    if (mark) onSelect(mark);
  };
  return (
    <g class={`marks kind-${kind}`}>
      <line class="lane" x1={0} x2={view.widthPx} y1={topPx + 14} y2={topPx + 14} />
      {groups.map((group) => (
        <MarkSign key={group.marks[0]?.index} group={group} y={topPx + 14} seq={selectedSeq} />
      ))}
      <rect class="hit" y={topPx} width={view.widthPx} height={ROW_PX} onClick={select} />
    </g>
  );
}

/** Pressing again where several lie goes through them. */
function nextOf({ marks }: MarkGroup, selectedSeq: number | null): Mark | undefined {
  const at = marks.findIndex(({ seq }) => seq === selectedSeq);
  return marks[(at + 1) % marks.length];
}

function MarkSign(props: { group: MarkGroup; y: number; seq: number | null }) {
  const { group, y, seq } = props;
  const { kind, px, marks } = group;
  const isSelected = marks.some((mark) => mark.seq === seq);
  const isNoise = marks.every(({ noise }) => noise);
  const changes = marks.some(({ transitions }) => transitions.some(({ to }) => to !== ""));
  const classes = [
    "sign",
    isSelected ? "selected" : "",
    isNoise ? "noise" : "",
    changes ? "changes" : "",
  ];
  return (
    <g class={classes.join(" ")} transform={`translate(${px} ${y})`}>
      {isSelected && <circle class="halo" r={9} />}
      <path d={SIGNS[kind]} />
      {marks.length > 1 && (
        <text x={0} y={-6}>
          {marks.length}
        </text>
      )}
    </g>
  );
}

/** A shape each, so that colour is not all that tells them apart. */
const SIGNS: Readonly<Record<MarkKind, string>> = {
  fact: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z",
  decision: "M0 -5.5L5.5 0L0 5.5L-5.5 0z",
  command: "M-4 -5L5 0L-4 5z",
  outcome: "M-4.5 -4.5h9v9h-9z",
};

export function KindSign({ kind }: { readonly kind: MarkKind }) {
  return (
    <svg class={`kind-sign kind-${kind}`} viewBox="-7 -7 14 14" aria-hidden="true">
      <path d={SIGNS[kind]} />
    </svg>
  );
}
