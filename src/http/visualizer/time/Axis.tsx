import { formatSpan } from "../../../machines/model/amounts.ts";
import { goToTime } from "./page-travel.ts";
import { ticksOf } from "./ticks.ts";
import { fromPx, toPx, type Viewport } from "./viewport.ts";
import type { Warp } from "./warp.ts";

export const AXIS_PX = 20;
const TICK_APART_PX = 78;

interface AxisProps {
  readonly view: Viewport;
  readonly warp: Warp;
  readonly heightPx: number;
}

/** Times along the top, in UTC; a click goes to the moment. */
export function Axis({ view, warp, heightPx }: AxisProps) {
  return (
    <g class="axis">
      {ticksOf(view, warp, TICK_APART_PX).map(({ atMs, px, label }) => (
        <g key={atMs}>
          <line x1={px} x2={px} y1={AXIS_PX - 5} y2={heightPx} />
          <text x={px + 3} y={13}>
            {label}
          </text>
        </g>
      ))}
      <rect
        class="axis-hit"
        width={view.widthPx}
        height={AXIS_PX}
        onClick={(event) => {
          const { left } = event.currentTarget.getBoundingClientRect();
          goToTime(warp.toReal(fromPx(view, event.clientX - left)));
        }}
      >
        <title>Click to go to that moment</title>
      </rect>
    </g>
  );
}

/** The moment that is shown; what comes after it lies in a haze. */
export function Cursor(
  props: AxisProps & { readonly atMs: number | null; readonly topPx?: number },
) {
  const { view, warp, heightPx, atMs, topPx = AXIS_PX } = props;
  if (atMs === null) return null;
  const px = Math.min(Math.max(toPx(view, warp.toWarped(atMs)), -2), view.widthPx + 2);
  return (
    <g class="cursor" aria-hidden="true">
      <rect x={px} y={topPx} width={Math.max(0, view.widthPx - px)} height={heightPx - topPx} />
      <line x1={px} x2={px} y1={0} y2={heightPx} />
    </g>
  );
}

/** Where time was cut short. */
export function Cuts({ view, warp, heightPx }: AxisProps) {
  return (
    <g class="cuts">
      {warp.cuts.map((cut) => {
        const px = toPx(view, cut.from);
        const widthPx = toPx(view, cut.to) - px;
        if (px > view.widthPx || px + widthPx < 0) return null;
        return (
          <rect key={cut.fromMs} x={px} y={AXIS_PX} width={widthPx} height={heightPx - AXIS_PX}>
            <title>{`${formatSpan(cut.toMs - cut.fromMs)} in which nothing happened`}</title>
          </rect>
        );
      })}
    </g>
  );
}
