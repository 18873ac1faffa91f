import { useEffect, useState } from "preact/hooks";
import type { TimelineAnswer } from "../../wire/timeline.ts";
import { getTimeline } from "../api/endpoints.ts";
import { session, store } from "../session.ts";

interface Loaded {
  readonly answer: TimelineAnswer | null;
  readonly trouble: string;
}

/** Live, lanes grow: they are read again once a while. */
const AGAIN_MS = 10_000;
/** After the window was moved, until its costs are asked for. */
const SETTLE_MS = 350;

/** Everybody's lanes over the whole journal. */
export function useTimeline(): Loaded {
  const [loaded, setLoaded] = useState<Loaded>({ answer: null, trouble: "" });
  const [round, setRound] = useState(0);
  useEffect(() => {
    let isWanted = true;
    getTimeline(session.api).then(
      (answer) => isWanted && setLoaded({ answer, trouble: "" }),
      (error: unknown) =>
        isWanted && setLoaded(({ answer }) => ({ answer, trouble: String(error) })),
    );
    return () => {
      isWanted = false;
    };
  }, [round]);
  useEffect(() => {
    const timer = setInterval(() => {
      if (store.mode.peek() === "live" && !document.hidden) setRound((now) => now + 1);
    }, AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  return loaded;
}

/** What each worker cost within a window, once that has settled; null for the whole, or while it is asked for. */
export function useCosts(
  window: { from: number; to: number } | null,
): ReadonlyMap<string, number> | null {
  const [costs, setCosts] = useState<ReadonlyMap<string, number> | null>(null);
  const from = window && new Date(Math.round(window.from)).toISOString();
  const to = window && new Date(Math.round(window.to)).toISOString();
  useEffect(() => {
    setCosts(null);
    if (from === null || to === null) return;
    let isWanted = true;
    const timer = setTimeout(() => {
      getTimeline(session.api, { from, to }).then(
        ({ workers }) =>
          isWanted && setCosts(new Map(workers.map(({ worker_id, cost }) => [worker_id, cost]))),
        () => {},
      );
    }, SETTLE_MS);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [from, to]);
  return costs;
}
