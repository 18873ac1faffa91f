import { useEffect, useState } from "preact/hooks";
import type { ActorAnswer } from "../../wire/actor.ts";
import { getActor } from "../api/endpoints.ts";
import { session, store } from "../session.ts";

/** Values of guards change with the time: they are asked for anew as often. */
const REFRESH_MS = 2000;

export interface ActorState {
  readonly actor: ActorAnswer | null;
  /** Why there is none; "" while it is loading or there. */
  readonly trouble: string;
}

const NOBODY: ActorState = { actor: null, trouble: "" };

/** The chosen actor as it is at the moment that the page shows; "" chooses nobody. */
export function useActor(id: string): ActorState {
  const [state, setState] = useState<ActorState>(NOBODY);
  const isLive = store.mode.value === "live";
  // A record further is a moment of its own in the past; live, what concerns the actor may have come with it.
  const seq = store.seq.value;
  useEffect(() => setState(NOBODY), [id]);
  useEffect(() => {
    if (id === "") return undefined;
    let isWanted = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = async (): Promise<void> => {
      try {
        const actor = await getActor(session.api, id, isLive ? "" : `${seq}`);
        if (isWanted) setState({ actor, trouble: "" });
      } catch (error) {
        const trouble = error instanceof Error ? error.message : String(error);
        if (isWanted) setState({ actor: null, trouble });
      }
      if (isWanted && isLive) timer = setTimeout(() => void load(), REFRESH_MS);
    };
    void load();
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [id, isLive, seq]);
  return state;
}
