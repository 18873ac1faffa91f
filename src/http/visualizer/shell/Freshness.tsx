import { formatSpan } from "../../../machines/model/amounts.ts";
import { tickMs } from "../clock.ts";
import { session, store } from "../session.ts";

/** The dispatcher says something every few seconds: silence for longer than that is worth knowing. */
const QUIET_MS = 8000;

/** Whether what is shown is the present, and if not, how old it is. */
export function Freshness() {
  if (store.facts.value?.isLive === false) return <span class="badge">journal file</span>;
  if (store.mode.value === "past") return <span class="badge past">past</span>;
  const silentMs = tickMs.value - session.lastNewsMs.value;
  const isOpen = session.connection.value === "open";
  if (isOpen && silentMs < QUIET_MS)
    return (
      <span class="badge live">
        <span class="pulse" aria-hidden="true" /> live
      </span>
    );
  return (
    <span class="badge stale" role="status">
      {isOpen ? "" : "reconnecting, "}no news for {formatSpan(Math.max(0, silentMs))}
    </span>
  );
}
