import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { fromPx, panned, showing, zoomed, type Viewport } from "./viewport.ts";

interface Range {
  readonly from: number;
  readonly to: number;
}

export interface TimeView<E extends Element> {
  readonly ref: RefObject<E | null>;
  readonly view: Viewport;
  /** Something is beyond the edges. */
  readonly isZoomed: boolean;
  readonly zoom: (factor: number) => void;
  /** By a share of what is seen. */
  readonly pan: (share: number) => void;
  readonly fit: () => void;
  readonly show: (at: number) => void;
}

const WHEEL_ZOOM = 1.0015;
/** A hand that presses a button moves a little. */
const DRAG_LEAST_PX = 4;
const WIDTH_FIRST_PX = 800;

/** What of `bounds` is seen in an element, to be zoomed (ctrl and wheel) and moved (dragged, wheel across). */
export function useTimeView<E extends Element>(bounds: Range): TimeView<E> {
  const ref = useRef<E | null>(null);
  const widthPx = useWidth(ref);
  const [range, setRange] = useState<Range | null>(null);
  const shown = range ?? bounds;
  // Bounds may have moved since: what is live grows.
  const view = panned({ from: shown.from, to: shown.to, widthPx }, 0, bounds);
  const change = (made: (view: Viewport) => Viewport): void =>
    setRange((now) => {
      const next = made({ ...(now ?? bounds), widthPx });
      return next.from <= bounds.from && next.to >= bounds.to ? null : next;
    });
  usePointer(ref, {
    zoom: (px, factor) => change((now) => zoomed(now, fromPx(now, px), factor, bounds)),
    pan: (px) => change((now) => panned(now, (px / now.widthPx) * (now.to - now.from), bounds)),
  });
  return {
    ref,
    view,
    isZoomed: range !== null,
    zoom: (factor) => change((now) => zoomed(now, (now.from + now.to) / 2, factor, bounds)),
    pan: (share) => change((now) => panned(now, share * (now.to - now.from), bounds)),
    fit: () => setRange(null),
    show: (at) => change((now) => showing(now, at, bounds)),
  };
}

function useWidth(ref: RefObject<Element | null>): number {
  const [widthPx, setWidthPx] = useState(WIDTH_FIRST_PX);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = (): void => setWidthPx(Math.max(50, element.clientWidth));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return widthPx;
}

interface PointerMoves {
  zoom(atPx: number, factor: number): void;
  pan(byPx: number): void;
}

function usePointer(ref: RefObject<Element | null>, moves: PointerMoves): void {
  const newest = useRef(moves);
  newest.current = moves;
  useEffect(() => {
    const element = ref.current as HTMLElement | null;
    if (!element) return;
    const gone = new AbortController();
    const { signal } = gone;
    const onWheel = (event: WheelEvent): void => {
      if (event.ctrlKey) {
        event.preventDefault();
        const px = event.clientX - element.getBoundingClientRect().left;
        newest.current.zoom(px, WHEEL_ZOOM ** event.deltaY);
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        newest.current.pan(event.deltaX);
      }
    };
    // Not passive: the browser would zoom the page.
    element.addEventListener("wheel", onWheel, { passive: false, signal });
    listenToDrags(element, (px) => newest.current.pan(px), signal);
    return () => gone.abort();
  }, []);
}

function listenToDrags(
  element: HTMLElement,
  pan: (byPx: number) => void,
  signal: AbortSignal,
): void {
  let lastX: number | null = null;
  let isDragged = false;
  const end = (): void => {
    lastX = null;
  };
  element.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      lastX = event.clientX;
      isDragged = false;
    },
    { signal },
  );
  element.addEventListener(
    "pointermove",
    (event) => {
      if (lastX === null) return;
      const byPx = lastX - event.clientX;
      if (!isDragged && Math.abs(byPx) < DRAG_LEAST_PX) return;
      if (!isDragged) element.setPointerCapture(event.pointerId);
      isDragged = true;
      lastX = event.clientX;
      pan(byPx);
    },
    { signal },
  );
  element.addEventListener("pointerup", end, { signal });
  element.addEventListener("pointercancel", end, { signal });
  // The end of a drag is no click on what lies below it.
  element.addEventListener(
    "click",
    (event) => {
      if (isDragged) event.stopPropagation();
    },
    { signal, capture: true },
  );
}
