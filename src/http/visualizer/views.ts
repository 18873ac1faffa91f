import type { FunctionComponent } from "preact";

/** A view of the page: a chunk of its own, loaded when it is first gone to. */
export interface View {
  /** First part of the address: `#/fleet`. */
  readonly id: string;
  readonly title: string;
  readonly load: () => Promise<{ default: FunctionComponent }>;
}

/** In the order of the tabs. A view reads `route` for what it is to show, and `store` and `session.api` for its data. */
export const VIEWS: readonly View[] = [
  { id: "fleet", title: "Fleet", load: () => import("./fleet/FleetView.tsx") },
  { id: "chart", title: "State charts", load: () => import("./chart/ChartView.tsx") },
  { id: "history", title: "History", load: () => import("./history/HistoryView.tsx") },
  { id: "lanes", title: "Lanes", load: () => import("./lanes/LanesView.tsx") },
];

/** The time controls, in the shell's foot on every view. */
export const timeControls: View["load"] | null = () => import("./time/TimeControls.tsx");
