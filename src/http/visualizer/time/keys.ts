import { store } from "../session.ts";
import { chosenActor, goLiveNow, stepActor, travel } from "./page-travel.ts";

/** Of the whole page, where no control wants the key for itself. */
const KEYS: Readonly<Record<string, () => unknown>> = {
  " ": () => (travel.playing.peek() ? travel.pause() : void travel.play()),
  ArrowRight: () => travel.step(1),
  ArrowLeft: () => travel.step(-1),
  "]": () => stepChosen(1),
  "[": () => stepChosen(-1),
  l: goLiveNow,
  L: goLiveNow,
};

function stepChosen(by: 1 | -1): void {
  const id = chosenActor();
  if (id !== "") void stepActor(id, by).catch(() => {});
}

export function onPageKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey)
    return;
  const act = KEYS[event.key];
  if (!act || isTakenBy(event.target, event.key)) return;
  if (event.key === "ArrowRight" && store.mode.peek() === "live") return;
  event.preventDefault();
  act();
}

const TYPED_IN =
  "input:not([type=checkbox], [type=range]), textarea, select, dialog, [contenteditable]";
const PRESSED = "button, a, summary, input, [role=button]";
/** What moves about in itself by arrows. */
const WALKED =
  "[role=grid], [role=listbox], [role=tablist], [role=tree], [role=menu], [data-own-arrows]";

function isTakenBy(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest(TYPED_IN)) return true;
  if (key === " ") return target.closest(PRESSED) !== null;
  return key.startsWith("Arrow") && target.closest(WALKED) !== null;
}
