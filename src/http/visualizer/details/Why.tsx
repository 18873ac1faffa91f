import { useEffect, useState } from "preact/hooks";
import type { ExplanationAnswer } from "../../wire/explanation.ts";
import { ApiError } from "../api/api-client.ts";
import { getExplanation } from "../api/endpoints.ts";
import { session, store } from "../session.ts";
import { formatTime } from "../../../machines/model/amounts.ts";
import { LongText } from "./Fact.tsx";

/** While it changes all the time it is not asked for more often than this. */
const ASK_AGAIN_MS = 3000;
/** In the past, where nothing is asked for while the moments pass by. */
const SETTLED_MS = 400;

type Because = ExplanationAnswer["answer"]["because"][number];

interface Asked {
  readonly explanation: ExplanationAnswer | null;
  readonly trouble: string;
}

/**
 * Why it waits, runs, was booted or destroyed at the moment that is shown: the dispatcher's own explanation, asked for anew
 * when it has changed.
 */
export function Why({ id, row }: { readonly id: string; readonly row: object | undefined }) {
  const asked = useExplanation(id, row, store.mode.value === "past" ? store.seq.value : null);
  if (!asked) return <p class="note">Asking why…</p>;
  const { explanation, trouble } = asked;
  return (
    <section class="why" aria-label="Why">
      <h3>Why</h3>
      {trouble !== "" && <p class="dim">{trouble}</p>}
      {explanation && <Answer explanation={explanation} />}
    </section>
  );
}

function Answer({ explanation }: { readonly explanation: ExplanationAnswer }) {
  const { answer, coverage } = explanation;
  return (
    <>
      {store.mode.value === "past" && (
        <p class="dim">
          After record {coverage.to_seq}, {formatTime(coverage.as_of)}:
        </p>
      )}
      <p>
        <LongText text={answer.text} />
      </p>
      <ul>
        {answer.because.map((because, index) => (
          <li key={index}>
            <Reason because={because} />
          </li>
        ))}
      </ul>
      {coverage.missing !== "" && <p class="dim">{coverage.missing}</p>}
    </>
  );
}

function Reason({ because: { text, seq, at } }: { readonly because: Because }) {
  return (
    <>
      <LongText text={text} />{" "}
      {seq !== null && (
        <span class="dim">
          record {seq}
          {at === null ? "" : `, ${formatTime(at)}`}
        </span>
      )}
    </>
  );
}

/** `pastSeq`: the record after which it is to be explained; null for now. */
function useExplanation(id: string, row: object | undefined, pastSeq: number | null): Asked | null {
  const [asked, setAsked] = useState<Asked | null>(null);
  const [isFirst, setFirst] = useState(true);
  useEffect(() => {
    const gone = new AbortController();
    const ask = async () => {
      setFirst(false);
      try {
        const explanation = await getExplanation(session.api, id, pastSeq, gone.signal);
        setAsked({ explanation, trouble: "" });
      } catch (error) {
        if (gone.signal.aborted) return;
        const text = error instanceof ApiError ? error.message : "it cannot be explained";
        // What was so at another moment explains nothing.
        const kept = (last: Asked | null) =>
          pastSeq === null ? (last?.explanation ?? null) : null;
        setAsked((last) => ({ explanation: kept(last), trouble: text }));
      }
    };
    const againMs = pastSeq === null ? ASK_AGAIN_MS : SETTLED_MS;
    const timer = setTimeout(() => void ask(), isFirst ? 0 : againMs);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [id, row, pastSeq]);
  return asked;
}
