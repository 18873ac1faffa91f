import { useEffect } from "preact/hooks";
import type { TimeView } from "./use-time-view.ts";

const TYPED_IN = "input:not([type=checkbox], [type=range]), textarea, select, dialog";

/** Keys of a view, wherever in it the focus is, but where text is typed. */
export function useKeys(keys: Readonly<Record<string, () => void>>): void {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const act = keys[event.key];
      if (!act || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.target instanceof Element && event.target.closest(TYPED_IN)) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  });
}

export function useZoomKeys({ zoom, pan, fit }: TimeView<Element>): void {
  useKeys({
    "+": () => zoom(0.6),
    "=": () => zoom(0.6),
    "-": () => zoom(1 / 0.6),
    "0": fit,
    ",": () => pan(-0.25),
    ".": () => pan(0.25),
  });
}
