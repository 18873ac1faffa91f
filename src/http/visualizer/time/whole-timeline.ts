import { effect, signal } from "@preact/signals";
import type { TimelineAnswer } from "../../wire/timeline.ts";
import { getTimeline } from "../api/endpoints.ts";
import { browserNowMs } from "../clock.ts";
import { session, store } from "../session.ts";

const BINS = 240;
/** Live, the journal grows all the time: it is read again once a while, and only if anybody looks. */
const AGAIN_MS = 10_000;
/** Who takes long to answer is asked less often: this many times as long. */
const REST_FACTOR = 20;

/** Everybody's lanes over the whole journal, and how much went on when; null until they are here. */
export const wholeTimeline = signal<TimelineAnswer | null>(null);
/** Why they are not; "" for no trouble. */
export const timelineTrouble = signal("");

let readAtSeq = -1;
let isReading = false;
let restUntilMs = 0;

/** Reads it now and whenever the journal has grown; returns what ends that. */
export function followTimeline(): () => void {
  const end = effect(() => {
    if (store.bounds.value.last_seq > 0 && readAtSeq < 0) void read();
  });
  const timer = setInterval(() => {
    if (document.hidden || browserNowMs() < restUntilMs) return;
    if (store.bounds.peek().last_seq > readAtSeq) void read();
  }, AGAIN_MS);
  return () => {
    end();
    clearInterval(timer);
    readAtSeq = -1;
    wholeTimeline.value = null;
  };
}

async function read(): Promise<void> {
  if (isReading) return;
  isReading = true;
  readAtSeq = store.bounds.peek().last_seq;
  const beganMs = browserNowMs();
  try {
    wholeTimeline.value = await getTimeline(session.api, { bins: BINS });
    timelineTrouble.value = "";
  } catch (error) {
    timelineTrouble.value = error instanceof Error ? error.message : String(error);
  } finally {
    isReading = false;
    const endedMs = browserNowMs();
    restUntilMs = endedMs + REST_FACTOR * (endedMs - beganMs);
  }
}
