import type { HistoryAnswer } from "../../wire/actor.ts";
import type { ExplanationAnswer } from "../../wire/explanation.ts";
import { hrefTo } from "../routing.ts";
import { store } from "../session.ts";
import { formatMoney, formatSpan, formatTime } from "../../../machines/model/amounts.ts";
import { cut } from "../ui/words.ts";
import { actorParam } from "./actor-param.ts";
import { timeInStates, type BarRow } from "./bars.ts";
import { isQuiet, toneOf } from "./state-tone.ts";

/** By a mark and a word too: a colour alone says nothing to many. */
const ENDINGS = {
  ok: { mark: "✓", word: "succeeded" },
  failed: { mark: "✗", word: "failed" },
  cancelled: { mark: "–", word: "cancelled" },
  unknown: { mark: "?", word: "ended" },
} as const;

interface SummaryProps {
  readonly history: HistoryAnswer;
  readonly explanation: ExplanationAnswer | null;
  readonly rows: readonly BarRow[];
}

/** Who it is, what became of it in words, how long it was in which state, and what that cost. */
export function Summary({ history, explanation, rows }: SummaryProps) {
  const { actor, cost, end, missing } = history;
  const { kind, id } = actor;
  const param = actorParam(`${kind}/${id}`);
  const row = kind === "worker" ? store.workers.get(id) : undefined;
  const named =
    kind === "container" ? (toldName(explanation) ?? store.containers.get(id)?.name ?? "") : "";
  return (
    <header class="history-summary">
      <h1>
        {kind} <span class="mono">{param === kind ? "" : id}</span>
      </h1>
      {row && (
        <span class="dim">
          {row.instance_id} · {row.instance_type}
        </span>
      )}
      {named !== "" && <span class="dim">{cut(named, 80)}</span>}
      {end && (
        <span class={`ending ${end.tone}`}>
          <span aria-hidden="true">{ENDINGS[end.tone].mark}</span> {ENDINGS[end.tone].word}
        </span>
      )}
      <a href={hrefTo({ view: "chart", param: kind, query: { id: param } })}>State chart</a>
      {explanation && (
        <p class="why">
          {store.mode.value === "past" && <span class="dim">in the end: </span>}
          {explanation.answer.text}
        </p>
      )}
      {explanation && <Because of={explanation} />}
      <p class="times">
        {rows.map((each) => (
          <RegionTimes key={each.region} row={each} isOnly={rows.length === 1} />
        ))}
        {cost && (
          <span>
            cost <b>{formatMoney(cost.amount)}</b>{" "}
            <span class="dim">at {formatMoney(cost.price_per_hour)}/h</span>
          </span>
        )}
      </p>
      {missing !== "" && <p class="notice warn">{missing}</p>}
    </header>
  );
}

function toldName(explanation: ExplanationAnswer | null): string | undefined {
  return explanation?.kind === "container" ? explanation.name : undefined;
}

function Because({ of: { answer } }: { readonly of: ExplanationAnswer }) {
  if (answer.because.length === 0) return null;
  return (
    <details class="because" open={matchMedia("(min-width: 48rem)").matches}>
      <summary>because</summary>
      <ul>
        {answer.because.map(({ text, at }, n) => (
          <li key={n}>
            {text}
            {at !== null && ` (${formatTime(at)})`}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Of what was more than nothing. */
function RegionTimes({ row, isOnly }: { readonly row: BarRow; readonly isOnly: boolean }) {
  const times = timeInStates(row).filter(({ state, ms }) => ms >= 1_000 && !isQuiet(state));
  if (times.length === 0) return null;
  return (
    <span>
      {!isOnly && <span class="dim">{row.region}</span>}
      {times.map(({ state, ms }) => (
        <span key={state} class={`time-in ${toneOf(state)}`}>
          {state} <b>{formatSpan(ms)}</b>
        </span>
      ))}
    </span>
  );
}
