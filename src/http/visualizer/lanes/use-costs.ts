import { useEffect, useState } from "preact/hooks";
import { getTimeline } from "../api/endpoints.ts";
import { session } from "../session.ts";

/** After the window was moved, until its costs are asked for. */
const SETTLE_MS = 350;

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
