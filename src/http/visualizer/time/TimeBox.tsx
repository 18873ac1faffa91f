import { useState } from "preact/hooks";
import { goLive, showMoment, store } from "../session.ts";
import { formatTime } from "../../../machines/model/amounts.ts";
import { MOMENT_FORMS, readMoment } from "./moment.ts";
import { goToTime, travel } from "./page-travel.ts";

/** The moment in words, to be read, and to be typed over. */
export function TimeBox() {
  const [typed, setTyped] = useState<string | null>(null);
  const [wrong, setWrong] = useState("");
  const isLive = store.mode.value === "live";
  const { playedMs } = travel;
  const at = playedMs.value === null ? store.at.value : new Date(playedMs.value).toISOString();
  const shown = isLive ? "live" : formatTime(at);
  const go = (event: Event): void => {
    event.preventDefault();
    if (typed === null) return;
    const message = showTyped(typed);
    setWrong(message);
    if (message === "") setTyped(null);
  };
  return (
    <form class="time-box" onSubmit={go}>
      <input
        aria-label="Time, or record"
        title={`UTC. Takes ${MOMENT_FORMS}`}
        value={typed ?? shown}
        size={23}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={wrong !== ""}
        onFocus={(event) => event.currentTarget.select()}
        onInput={(event) => setTyped(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          setTyped(null);
          setWrong("");
        }}
      />
      {wrong !== "" && (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      )}
    </form>
  );
}

/** What is wrong with it; "" if the page goes there. */
function showTyped(text: string): string {
  const { first_at, last_at, first_seq, last_seq } = store.bounds.peek();
  const firstMs = Date.parse(first_at ?? "1970-01-01");
  const lastMs = Date.parse(last_at ?? "1970-01-01");
  const at = store.at.peek();
  const moment = readMoment(text, {
    atMs: store.mode.peek() === "live" || at === null ? lastMs : Date.parse(at),
    firstMs,
    lastMs,
  });
  if (moment.kind === "wrong") return moment.message;
  travel.pause();
  if (moment.kind === "live") goLive();
  else if (moment.kind === "seq") {
    if (moment.seq < first_seq || moment.seq > last_seq)
      return `the journal holds records ${first_seq} to ${last_seq}`;
    showMoment(moment.seq);
  } else {
    if (moment.atMs < firstMs || moment.atMs > lastMs)
      return `the journal reaches from ${formatTime(first_at)} to ${formatTime(last_at)}`;
    goToTime(moment.atMs);
  }
  return "";
}
