import { computed } from "@preact/signals";
import { getHistory, getRecords, getState } from "../api/endpoints.ts";
import { browserNowMs } from "../clock.ts";
import { navigate, route } from "../routing.ts";
import { session, showMoment, store } from "../session.ts";
import { TimeTravel } from "./travel.ts";

/** Browsers refuse a page that changes its address all the time. */
const ADDRESS_EVERY_MS = 500;
let addressedAtMs = 0;

/** What moves the page's store. */
export const travel = new TimeTravel({
  store,
  getRecords: (from, limit) => getRecords(session.api, from, limit),
  getState: (at) => getState(session.api, at),
  onMoved: (seq) => {
    const nowMs = browserNowMs();
    if (travel.playing.peek() && nowMs - addressedAtMs < ADDRESS_EVERY_MS) return;
    addressedAtMs = nowMs;
    session.standAt(seq);
  },
  nowMs: browserNowMs,
  everyMoment: (callback) => {
    let frame = requestAnimationFrame(function again() {
      callback();
      frame = requestAnimationFrame(again);
    });
    return () => cancelAnimationFrame(frame);
  },
});

/** The worker or container that the page is about now; "" for none. */
export function chosenActor(): string {
  const { view, param, query } = route.peek();
  return (view === "history" ? param : "") || (query["id"] ?? "");
}

/** Goes to the record before or after what is shown that changed the actor; false where there is none. */
export async function stepActor(id: string, by: 1 | -1): Promise<boolean> {
  travel.pause();
  const seq = store.seqNow;
  const { marks } = await getHistory(session.api, id);
  const found =
    by === 1 ? marks.find((mark) => mark.seq > seq) : marks.findLast((mark) => mark.seq < seq);
  if (!found) return false;
  showMoment(found.seq);
  return true;
}

export function goTo(seq: number): void {
  travel.pause();
  showMoment(seq);
}

/** A moment between the journal's ends, or the end that is nearest. */
export function goToTime(atMs: number): void {
  const { first_at, last_at } = store.bounds.peek();
  if (first_at === null || last_at === null) return;
  const within = Math.min(Math.max(Math.round(atMs), Date.parse(first_at)), Date.parse(last_at));
  travel.pause();
  showMoment(new Date(within).toISOString());
}

export function goLiveNow(): void {
  travel.pause();
  navigate({ query: { at: "" } });
}

/** The moment that is shown, while it plays too; null for the present. */
export const cursorMs = computed(() => {
  if (store.mode.value === "live") return null;
  const at = store.at.value;
  return travel.playedMs.value ?? (at === null ? null : Date.parse(at));
});
