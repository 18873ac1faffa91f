import { goLive, session, store } from "../session.ts";
import { formatTime } from "../../../machines/model/amounts.ts";

/** What a user has to know before reading on: alarms, trouble, what is missing, and that this is the past. */
export function Notices() {
  const { alarms, accepting, missing, mode, at, seq } = store;
  return (
    <div class="notices">
      {session.trouble.value !== "" && (
        <p class="notice bad" role="alert">
          {session.trouble.value}
        </p>
      )}
      {alarms.value.map(({ alarm, message, since }) => (
        <p class="notice bad" role="alert" key={alarm}>
          <b>{alarm}</b> {message} <span class="dim">since {formatTime(since)}</span>
        </p>
      ))}
      {!accepting.value && (
        <p class="notice warn">The journal has trouble: feeds wait, and nothing new is decided.</p>
      )}
      {missing.value !== "" && <p class="notice warn">{missing.value}</p>}
      {mode.value === "past" && store.facts.value?.isLive !== false && (
        <p class="notice past" role="status">
          This is how it was at record {seq.value}, {formatTime(at.value)}.{" "}
          <button type="button" onClick={goLive}>
            Live
          </button>
        </p>
      )}
    </div>
  );
}
