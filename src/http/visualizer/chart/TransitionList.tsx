import type { Chart } from "../../wire/chart.ts";
import { saidOnce } from "../../export/said-once.ts";
import { nameOf, targetsText, transitionText } from "./overlay.ts";

/** The chart in words, for those who do not see it and those who search. */
export function TransitionList({ chart }: { readonly chart: Chart }) {
  const drawn = chart.edges.filter(({ transitions }) => transitions.length > 0);
  return (
    <details class="transition-list">
      <summary>The chart in words</summary>
      <h3>Transitions</h3>
      <ul>
        {drawn.flatMap((edge) =>
          saidOnce(edge).map((transition, index) => (
            <li key={`${edge.id} ${index}`}>
              <b>{edge.from_any.map(nameOf).join(", ")}</b> → <b>{targetsText(edge)}</b>{" "}
              {transitionText(transition)}
              {transition.actions.length > 0 && (
                <span class="dim"> · does {transition.actions.join(", ")}</span>
              )}
            </li>
          )),
        )}
      </ul>
      {chart.internal.length > 0 && <h3>Taken in without a change of state</h3>}
      <ul>
        {chart.internal.map((transition, index) => (
          <li key={index}>
            <b>{transition.in.map((id) => nameOf(id) || "any state").join(", ")}</b>{" "}
            {transitionText(transition)}
            {transition.actions.length > 0 && (
              <span class="dim"> · does {transition.actions.join(", ")}</span>
            )}
          </li>
        ))}
      </ul>
    </details>
  );
}
