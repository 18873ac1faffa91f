import { useEffect, useState } from "preact/hooks";
import type { HistoryAnswer } from "../../wire/actor.ts";
import type { ExplanationAnswer } from "../../wire/explanation.ts";
import { getExplanation, getHistory } from "../api/endpoints.ts";
import { session, store } from "../session.ts";
import type { ChangedIds } from "../store/row-table.ts";

export interface LoadedHistory {
  readonly history: HistoryAnswer | null;
  readonly explanation: ExplanationAnswer | null;
  /** Why there is none; "" for no trouble. */
  readonly trouble: string;
}

/** Live, an actor may change many times a second: its history is read again once a while. */
const AGAIN_MS = 1_500;

/** What the journal tells of an actor, read again while it goes on. */
export function useHistory(id: string, noise: boolean): LoadedHistory {
  const [loaded, setLoaded] = useState<LoadedHistory>(NOTHING);
  const round = useRounds(id, loaded.history?.actor.id ?? id);
  useEffect(() => {
    let isWanted = true;
    load(id, noise).then(
      (answer) => isWanted && setLoaded(answer),
      (error: unknown) => {
        const trouble = error instanceof Error ? error.message : String(error);
        if (isWanted) setLoaded((before) => ({ ...before, trouble }));
      },
    );
    return () => {
      isWanted = false;
    };
  }, [id, noise, round]);
  return loaded;
}

const NOTHING: LoadedHistory = { history: null, explanation: null, trouble: "" };

async function load(id: string, noise: boolean): Promise<LoadedHistory> {
  const [history, explanation] = await Promise.all([
    getHistory(session.api, id, { noise }),
    // Only workers and containers are explained; a history is worth showing without.
    getExplanation(session.api, id, null).catch(() => null),
  ]);
  return { history, explanation, trouble: "" };
}

/** Counts up when one of these has changed, now and then. */
function useRounds(param: string, id: string): number {
  const [round, setRound] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | null = null;
    const onChanged = (changed: ChangedIds): void => {
      if (store.mode.peek() !== "live" || timer !== null) return;
      if (changed !== null && !changed.has(id) && !changed.has(param)) return;
      timer = setTimeout(() => {
        timer = null;
        setRound((now) => now + 1);
      }, AGAIN_MS);
    };
    const ends = [store.workers.subscribe(onChanged), store.containers.subscribe(onChanged)];
    return () => {
      for (const end of ends) end();
      if (timer !== null) clearTimeout(timer);
    };
  }, [param, id]);
  return round;
}
