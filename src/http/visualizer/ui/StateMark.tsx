import type { Lifecycle } from "../../wire/worker.ts";
import { STATE_MARKS } from "./states.ts";

/** A worker's state as a coloured letter. The word stands beside it, or in the name of what holds it. */
export function StateMark({ state }: { readonly state: Lifecycle }) {
  return (
    <span class={`mark s-${state}`} aria-hidden="true">
      {STATE_MARKS[state].letter}
    </span>
  );
}
