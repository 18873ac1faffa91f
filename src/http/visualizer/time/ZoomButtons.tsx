import type { TimeView } from "./use-time-view.ts";

/** For those who have no wheel, and no second finger. */
export function ZoomButtons({ timeView }: { readonly timeView: TimeView<Element> }) {
  const { zoom, pan, fit, isZoomed } = timeView;
  return (
    <span class="zoom" role="group" aria-label="Zoom">
      <button type="button" aria-label="Earlier" disabled={!isZoomed} onClick={() => pan(-0.5)}>
        ←
      </button>
      <button
        type="button"
        aria-label="Zoom out"
        disabled={!isZoomed}
        onClick={() => zoom(1 / 0.6)}
      >
        −
      </button>
      <button type="button" aria-label="Zoom in" onClick={() => zoom(0.6)}>
        +
      </button>
      <button type="button" aria-label="Later" disabled={!isZoomed} onClick={() => pan(0.5)}>
        →
      </button>
      <button type="button" disabled={!isZoomed} onClick={fit}>
        All
      </button>
    </span>
  );
}
