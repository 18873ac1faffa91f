import { session, store } from "../session.ts";
import { applyTheme, nextTheme, theme } from "../theme.ts";
import { STATE_MARKS, WORKER_STATES } from "../ui/states.ts";
import { StateMark } from "../ui/StateMark.tsx";
import { formatCount, formatMoney } from "../../../machines/model/amounts.ts";
import { Freshness } from "./Freshness.tsx";

/** How it stands, in one line: workers by state, queue, price, the dispatcher itself. */
export function Header() {
  return (
    <header class="header">
      <strong class="brand">dispatch-cloud</strong>
      <WorkerCounts />
      <QueueCounts />
      <span class="figure" title="Price per hour of all instances that the cloud has named">
        <b>{formatMoney(store.pricePerHour.value)}</b>/h
      </span>
      <span class="figure">
        dispatcher <b>{store.supervisor.value || "–"}</b>
      </span>
      <span class="spacer" />
      <Freshness />
      <button
        type="button"
        class="quiet"
        onClick={() => applyTheme(nextTheme())}
        title="Light, dark, or as the system has it"
      >
        Theme: {theme.value}
      </button>
      <button type="button" class="quiet" onClick={() => session.logOut()}>
        Log out
      </button>
    </header>
  );
}

function WorkerCounts() {
  const counts = store.counts.value.worker;
  const shown = WORKER_STATES.filter((state) => (counts[`lifecycle.${state}`] ?? 0) > 0);
  return (
    <span class="figure" aria-label="Workers by state">
      <b>{formatCount(store.workers.size)}</b> {store.workers.size === 1 ? "worker" : "workers"}
      {shown.map((state) => (
        <span class="count" key={state} title={`${state}: ${STATE_MARKS[state].about}`}>
          <StateMark state={state} /> <b>{formatCount(counts[`lifecycle.${state}`] ?? 0)}</b>
          <span class="word">{state}</span>
        </span>
      ))}
    </span>
  );
}

function QueueCounts() {
  const counts = store.counts.value.container;
  const running = counts["process.running"] ?? 0;
  const waiting = (counts["record.Queued"] ?? 0) + (counts["record.Locked"] ?? 0);
  return (
    <span class="figure" aria-label="Containers">
      <b>{formatCount(waiting)}</b> waiting <b>{formatCount(running)}</b> running
    </span>
  );
}
