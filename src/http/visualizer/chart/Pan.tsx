import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

const SCALE_MIN = 0.25;
const SCALE_MAX = 2.5;
const STEP = 1.25;
/** Below that labels cannot be read: better to scroll. */
const READABLE = 0.7;

interface PanProps {
  readonly width: number;
  readonly height: number;
  readonly label: string;
  /** What is to be seen first; null: the upper left. */
  readonly center: readonly [number, number] | null;
  readonly children: ComponentChildren;
}

/** A drawing that is scrolled, dragged and scaled: with buttons, keys (+ − 0), or the wheel with Ctrl. */
export function Pan({ width, height, label, center, children }: PanProps) {
  const frame = useRef<HTMLDivElement>(null);
  const [scale, setScale] = useState(1);
  const fit = (): void => setScale(fitting(frame.current, width));
  const zoom = (by: number): void =>
    setScale((now) => Math.min(SCALE_MAX, Math.max(SCALE_MIN, now * by)));
  useEffect(
    () => setScale(Math.max(READABLE, Math.min(1, fitting(frame.current, width)))),
    [width],
  );
  useEffect(() => scrollTo(frame.current, center, scale), [center?.join(" "), width]);
  useWheel(frame, zoom);
  return (
    <div class="chart-pan">
      <div class="chart-zoom" role="group" aria-label="Size of the chart">
        <button
          type="button"
          onClick={() => zoom(1 / STEP)}
          aria-label="Smaller"
          title="Smaller (−)"
        >
          −
        </button>
        <button type="button" onClick={fit} title="As wide as there is room (0)">
          Fit
        </button>
        <button type="button" onClick={() => zoom(STEP)} aria-label="Larger" title="Larger (+)">
          +
        </button>
      </div>
      <div
        ref={frame}
        class="chart-frame"
        tabIndex={0}
        role="region"
        aria-label={`${label}: arrow keys scroll, plus and minus scale`}
        onPointerDown={(event) => startDrag(frame.current, event)}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          // Here arrows scroll; elsewhere they step through the journal.
          if (event.key.startsWith("Arrow")) event.stopPropagation();
          if (event.key === "+" || event.key === "=") zoom(STEP);
          else if (event.key === "-") zoom(1 / STEP);
          else if (event.key === "0") fit();
          else return;
          event.preventDefault();
        }}
      >
        <svg
          class="chart"
          viewBox={`0 0 ${width} ${height}`}
          width={width * scale}
          height={height * scale}
          role="group"
          aria-label={label}
        >
          {children}
        </svg>
      </div>
    </div>
  );
}

function scrollTo(frame: HTMLElement | null, center: PanProps["center"], scale: number): void {
  if (!frame || !center) return;
  const [x, y] = center;
  frame.scrollTo(x * scale - frame.clientWidth / 2, y * scale - frame.clientHeight / 2);
}

function fitting(frame: HTMLElement | null, width: number): number {
  const room = frame?.clientWidth ?? width;
  return Math.max(SCALE_MIN, Math.min(1.4, room / width));
}

/** Preact listens passively, and a passive listener cannot keep the page from being scaled. */
function useWheel(frame: { readonly current: HTMLElement | null }, zoom: (by: number) => void) {
  useEffect(() => {
    const element = frame.current;
    const turned = (event: WheelEvent): void => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(event.deltaY < 0 ? STEP : 1 / STEP);
    };
    element?.addEventListener("wheel", turned, { passive: false });
    return () => element?.removeEventListener("wheel", turned);
  }, []);
}

/** A finger scrolls by itself; the mouse drags. */
function startDrag(frame: HTMLElement | null, start: PointerEvent): void {
  if (!frame || start.pointerType !== "mouse" || start.button !== 0) return;
  const from = { left: frame.scrollLeft, top: frame.scrollTop };
  const move = ({ clientX, clientY }: PointerEvent): void => {
    frame.scrollLeft = from.left - (clientX - start.clientX);
    frame.scrollTop = from.top - (clientY - start.clientY);
  };
  const end = (): void => removeEventListener("pointermove", move);
  addEventListener("pointermove", move);
  addEventListener("pointerup", end, { once: true });
}
