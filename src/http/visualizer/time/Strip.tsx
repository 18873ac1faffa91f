import { useMemo, useRef, useState } from "preact/hooks";
import { store } from "../session.ts";
import { formatTime } from "../../../machines/model/amounts.ts";
import { densityOf } from "./density.ts";
import { goToTime, travel } from "./page-travel.ts";
import { wholeTimeline } from "./whole-timeline.ts";

/** While a slider is moved, states are loaded no more often than this. */
const DRAG_MS = 150;
const SLIDER_STEPS = 10_000;

/** All of the journal from left to right: how much was going on, what is shown of it, and the slider that moves it. */
export function Strip() {
  const { first_at, last_at } = store.bounds.value;
  const fromMs = Date.parse(first_at ?? "1970-01-01");
  const toMs = Math.max(fromMs + 1, Date.parse(last_at ?? "1970-01-01"));
  const shownMs = travel.playedMs.value ?? Date.parse(store.at.value ?? first_at ?? "1970-01-01");
  const isLive = store.mode.value === "live";
  const share = isLive ? 1 : Math.min(1, Math.max(0, (shownMs - fromMs) / (toMs - fromMs)));
  const drag = useDrag((value) => fromMs + (value / SLIDER_STEPS) * (toMs - fromMs));
  return (
    <div class="strip">
      <DensityPicture fromMs={fromMs} toMs={toMs} share={share} />
      <input
        type="range"
        aria-label="Moment"
        aria-valuetext={isLive ? "live" : formatTime(shownMs)}
        min={0}
        max={SLIDER_STEPS}
        value={drag.value ?? Math.round(share * SLIDER_STEPS)}
        disabled={first_at === null}
        onInput={(event) => drag.move(Number(event.currentTarget.value))}
        onChange={(event) => drag.end(Number(event.currentTarget.value))}
        onKeyDown={(event) => {
          // A record on or back, as everywhere, not a ten-thousandth of the journal.
          if (event.key === "ArrowLeft" || event.key === "ArrowRight") event.preventDefault();
          if (event.key === "ArrowLeft") void travel.step(-1);
          if (event.key === "ArrowRight") void travel.step(1);
        }}
      />
    </div>
  );
}

/** Shows moments while the slider is moved, the newest one last, and none twice. */
function useDrag(atMsOf: (value: number) => number) {
  const [value, setValue] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const newest = useRef(0);
  const show = (): void => {
    timer.current = null;
    goToTime(atMsOf(newest.current));
  };
  return {
    value,
    move(to: number) {
      newest.current = to;
      setValue(to);
      timer.current ??= setTimeout(show, DRAG_MS);
    },
    end(to: number) {
      newest.current = to;
      if (timer.current !== null) clearTimeout(timer.current);
      show();
      setValue(null);
    },
  };
}

function DensityPicture(place: { fromMs: number; toMs: number; share: number }) {
  const { fromMs, toMs, share } = place;
  const timeline = wholeTimeline.value;
  const { columns, running } = useMemo(
    () => densityOf(timeline?.bins ?? [], fromMs, toMs),
    [timeline, fromMs, toMs],
  );
  const line = running.map(([x, y]) => `${x * 1000},${40 - y * 38}`).join(" ");
  return (
    <svg class="density" viewBox="0 0 1000 40" preserveAspectRatio="none" aria-hidden="true">
      {columns.map(({ x, width, height }) => (
        <rect
          key={x}
          class={x <= share ? "past" : "future"}
          x={x * 1000}
          width={Math.max(0.5, width * 1000 - 0.6)}
          y={40 - height * 38}
          height={height * 38}
        />
      ))}
      <polyline class="running" points={line} />
      <line class="cursor" x1={share * 1000} x2={share * 1000} y1={0} y2={40} />
    </svg>
  );
}
