import type { ActorAnswer, NextEvent } from "../../wire/actor.ts";
import { formatTime } from "../../../machines/model/amounts.ts";
import { nameOf } from "./overlay.ts";

/** The chosen actor: where it is, how it came there, and what may come next, with what holds that back. */
export function NextEvents({ actor }: { readonly actor: ActorAnswer }) {
  const { last, next } = actor;
  const moving = next.filter(({ to }) => to !== null).sort((a, b) => rank(a) - rank(b));
  const staying = next.filter(({ to }) => to === null);
  return (
    <>
      <p class="chart-last">
        {last ? (
          <>
            Last: <code>{last.event}</code>
            {last.guard !== "" && <i> if {last.guard}</i>}
            {last.to !== "" && ` → ${nameOf(last.to)}`}
            <span class="dim">
              {" "}
              · record {last.seq} · {formatTime(last.at)}
            </span>
          </>
        ) : (
          <span class="dim">The journal does not hold its last transition.</span>
        )}
      </p>
      <h3>What may come next</h3>
      {moving.length === 0 && <p class="dim">Nothing leads out of where it is.</p>}
      <ul class="next-events">
        {moving.map((event) => (
          <NextEventItem key={keyOf(event)} event={event} />
        ))}
      </ul>
      {staying.length > 0 && (
        <details>
          <summary>{staying.length} that are taken in without a change of state</summary>
          <ul class="next-events">
            {staying.map((event) => (
              <NextEventItem key={keyOf(event)} event={event} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

/** What time alone brings comes first: it is what most want to know. */
const rank = ({ event }: NextEvent): number => (event === "clock.ticked" || event === "" ? 0 : 1);

const keyOf = ({ event, guard, from, to }: NextEvent): string => `${from} ${event} ${guard} ${to}`;

const VERDICTS = {
  true: { mark: "✓", word: "holds", title: "Nothing holds it back" },
  false: { mark: "✕", word: "holds not", title: "Its guard does not hold now" },
  null: { mark: "?", word: "depends on the event", title: "It depends on what the event brings" },
} as const;

function NextEventItem({
  event: { event, guard, from, to, holds, values },
}: {
  readonly event: NextEvent;
}) {
  return (
    <li class={`next-event holds-${holds}`}>
      <Verdict holds={holds} />
      <div>
        <code>{event === "" ? "at once" : event}</code>
        <span class="dim">
          {" "}
          {nameOf(from)}
          {to === null ? "" : ` → ${nameOf(to)}`}
        </span>
        {guard !== "" && (
          <ul class="conditions" aria-label={`Guard: ${guard}`}>
            {values.map(({ name, value, text }) => (
              <li key={name}>
                <Verdict holds={value} /> <i>{name}</i>: {text}
              </li>
            ))}
          </ul>
        )}
      </div>
    </li>
  );
}

function Verdict({ holds }: { readonly holds: boolean | null }) {
  const { mark, word, title } = VERDICTS[`${holds}`];
  return (
    <span class={`verdict is-${holds}`} title={title} role="img" aria-label={word}>
      {mark}
    </span>
  );
}
