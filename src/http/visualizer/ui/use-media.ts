import { signal, type ReadonlySignal } from "@preact/signals";

/** As wide as a phone held upright. */
export const isNarrow: ReadonlySignal<boolean> = mediaSignal("(max-width: 48rem)");

function mediaSignal(query: string): ReadonlySignal<boolean> {
  const list = matchMedia(query);
  const matches = signal(list.matches);
  list.addEventListener("change", () => (matches.value = list.matches));
  return matches;
}
