import type { ChartEdge, ChartTransition } from "../wire/chart.ts";

/** An arrow's transitions. What leads to whichever state its guard names is said once, and not for each state. */
export function saidOnce({
  to_any,
  transitions,
}: Pick<ChartEdge, "to_any" | "transitions">): ChartTransition[] {
  if (to_any.length < 2) return transitions;
  const byGuard = new Map(
    transitions.map(({ guard, ...said }) => {
      const once = `${guard.slice(0, guard.lastIndexOf(" "))} that one`;
      return [`${said.events.join()} ${once}`, { ...said, guard: once }];
    }),
  );
  return [...byGuard.values()];
}
