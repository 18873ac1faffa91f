import { useEffect, useState } from "preact/hooks";
import type { ChainStep, Change, LogLine, RecordAnswer } from "../../wire/record.ts";
import { getRecord } from "../api/endpoints.ts";
import { hrefTo, route } from "../routing.ts";
import { session } from "../session.ts";
import { goTo } from "../time/page-travel.ts";
import { formatTime } from "../../../machines/model/amounts.ts";
import { shortId } from "../ui/words.ts";
import { actorParam } from "./actor-param.ts";
import { KindSign } from "./HistoryChart.tsx";

interface RecordPanelProps {
  readonly seq: number;
  /** `worker/ID`: whose history it is. */
  readonly actor: string;
  readonly onSelect: (seq: number) => void;
  readonly onClose: () => void;
}

/** One record of the journal: what it says, what it changed, why it came to be, and what was logged. */
export function RecordPanel({ seq, actor, onSelect, onClose }: RecordPanelProps) {
  const { answer, trouble } = useRecord(seq, actor);
  return (
    <section class="record-panel" aria-label={`Record ${seq}`}>
      <header>
        <h2>
          #{seq} <span class="mono">{answer?.record.fact.type}</span>
        </h2>
        <button type="button" onClick={() => goTo(seq)}>
          Go to this moment
        </button>
        <button type="button" class="quiet" aria-label="Close the record" onClick={onClose}>
          ✕
        </button>
      </header>
      {trouble !== "" && <p class="note">{trouble}</p>}
      {answer && <RecordParts answer={answer} actor={actor} onSelect={onSelect} />}
    </section>
  );
}

function useRecord(seq: number, actor: string): { answer: RecordAnswer | null; trouble: string } {
  const [loaded, setLoaded] = useState<{ answer: RecordAnswer | null; trouble: string }>(NONE);
  useEffect(() => {
    let isWanted = true;
    getRecord(session.api, seq, actorParam(actor)).then(
      (answer) => isWanted && setLoaded({ answer, trouble: "" }),
      (error: unknown) =>
        isWanted && setLoaded({ answer: null, trouble: `it cannot be read: ${String(error)}` }),
    );
    return () => {
      isWanted = false;
    };
  }, [seq, actor]);
  return loaded.answer?.record.seq === seq || loaded.trouble !== "" ? loaded : NONE;
}

const NONE = { answer: null, trouble: "" };

interface PartsProps {
  readonly answer: RecordAnswer;
  readonly actor: string;
  readonly onSelect: (seq: number) => void;
}

function RecordParts({ answer, actor, onSelect }: PartsProps) {
  const { record, chain, chain_missing, log } = answer;
  const { fact, commands, decisions, changes, at } = record;
  const own = changes.find((change) => change.actor === actor);
  const others = changes.filter((change) => change.actor !== actor);
  return (
    <>
      <p class="dim">{formatTime(at)}</p>
      {own && <Transitions change={own} />}
      <h3>Why</h3>
      <ol class="chain" aria-label="Cause chain">
        {chain.map((step, n) => (
          <ChainItem key={n} step={step} isThis={step.seq === record.seq} onSelect={onSelect} />
        ))}
      </ol>
      {chain_missing !== "" && <p class="note">The chain ends here: {chain_missing}</p>}
      <h3>Fact</h3>
      <Json value={fact} />
      {decisions.length > 0 && <JsonList title="Decisions" values={decisions} />}
      {commands.length > 0 && <JsonList title="Commands" values={commands} />}
      {others.length > 0 && <OtherChanges changes={others} seq={record.seq} />}
      <h3>Log</h3>
      {log.length === 0 ? <p class="dim">Nothing was logged of it.</p> : <Log lines={log} />}
    </>
  );
}

function Transitions({ change }: { readonly change: Change }) {
  if (change.transitions.length === 0) return null;
  return (
    <ul class="transitions" aria-label="Transitions">
      {change.transitions.map(({ event, guard, from, to }, n) => (
        <li key={n}>
          <code>{from}</code>{" "}
          {to === "" ? (
            "stays"
          ) : (
            <>
              → <code>{to}</code>
            </>
          )}{" "}
          <span class="dim">
            by {event}
            {guard !== "" && ` [${guard}]`}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface ChainItemProps {
  readonly step: ChainStep;
  readonly isThis: boolean;
  readonly onSelect: (seq: number) => void;
}

function ChainItem({ step, isThis, onSelect }: ChainItemProps) {
  const { seq, at, kind, actor, text } = step;
  return (
    <li>
      <KindSign kind={kind} />
      <div>
        <span class="visually-hidden">{kind}: </span>
        {text}
        <div class="dim">
          {isThis ? (
            <span>#{seq}</span>
          ) : (
            <button type="button" class="link" onClick={() => onSelect(seq)}>
              #{seq}
            </button>
          )}{" "}
          {formatTime(at)} <ActorLink actor={actor} seq={seq} />
        </div>
      </div>
    </li>
  );
}

/** To the history of that actor, with the same record chosen. */
function ActorLink({ actor, seq }: { readonly actor: string; readonly seq: number }) {
  if (actor === "") return null;
  const param = actorParam(actor);
  const at = route.value.query["at"] ?? "";
  const href = hrefTo({ view: "history", param, query: { at, seq: `${seq}` } });
  return (
    <a href={href} title={actor}>
      {actor.slice(0, actor.indexOf("/"))} {shortId(param)}
    </a>
  );
}

function OtherChanges(props: { readonly changes: readonly Change[]; readonly seq: number }) {
  const { changes, seq } = props;
  return (
    <>
      <h3>Also changed</h3>
      <ul class="others">
        {changes.slice(0, CHANGES_SHOWN).map((change) => (
          <li key={change.actor}>
            <ActorLink actor={change.actor} seq={seq} />{" "}
            {change.transitions.map(({ to }) => to.split(".").at(-1)).join(", ")}
            {change.to === null && " left"}
          </li>
        ))}
      </ul>
      {changes.length > CHANGES_SHOWN && (
        <p class="dim">and {changes.length - CHANGES_SHOWN} more</p>
      )}
    </>
  );
}

const CHANGES_SHOWN = 20;

function JsonList({ title, values }: { readonly title: string; readonly values: object[] }) {
  return (
    <>
      <h3>
        {title} ({values.length})
      </h3>
      <Json value={values.length === 1 ? values[0] : values} />
    </>
  );
}

const JSON_SHOWN = 20_000;

/** As text and nothing else, whatever it says. */
function Json({ value }: { readonly value: unknown }) {
  const text = JSON.stringify(value, null, 2);
  return (
    <pre tabIndex={0}>
      {text.length <= JSON_SHOWN
        ? text
        : `${text.slice(0, JSON_SHOWN)}\n… ${text.length - JSON_SHOWN} characters more`}
    </pre>
  );
}

function Log({ lines }: { readonly lines: readonly LogLine[] }) {
  return (
    <ul class="log">
      {lines.map(({ level, message, fields }, n) => (
        <li key={n} class={level}>
          <b>{level}</b> {message}{" "}
          <span class="dim mono">
            {Object.entries(fields)
              .map(([name, value]) => `${name}=${fieldText(value)}`)
              .join(" ")}
          </span>
        </li>
      ))}
    </ul>
  );
}

function fieldText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
