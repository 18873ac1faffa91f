import type { Chart } from "../../wire/chart.ts";
import { hrefTo, navigate, route } from "../routing.ts";
import { session, store } from "../session.ts";
import { ChartExports } from "./ChartExports.tsx";
import { CHARTS, chartOf, ONLY_ACTORS } from "./charts.ts";
import { ChooseActor } from "./ChooseActor.tsx";
import { NextEvents } from "./NextEvents.tsx";
import { activeIds, fleetFilter } from "./overlay.ts";
import { StateChart } from "./StateChart.tsx";
import { TransitionList } from "./TransitionList.tsx";
import { useActor } from "./use-actor.ts";
import "./chart.css";

/** `#/chart/worker?id=ID`: a machine's chart with how many are where, and where the chosen one is. */
export default function ChartView() {
  const chart = chartOf(route.value.param);
  const id = route.value.query["id"] || (ONLY_ACTORS[chart.kind] ?? "");
  const { actor, trouble } = useActor(id);
  // The answer for the actor that was chosen before may still be shown.
  const shown = actor?.actor.kind === chart.kind ? actor : null;
  return (
    <div class="chart-view">
      <ChartTabs chart={chart} />
      <div class="chart-main">
        <StateChart
          chart={chart}
          active={shown ? activeIds(shown.value) : []}
          counts={store.counts.value[chart.kind]}
          last={shown?.last ?? null}
          onSelect={selectIn(chart)}
        />
        <aside class="chart-side" aria-label="Chosen actor">
          <p class="dim">{chart.about.replaceAll("`", "")}</p>
          <ChooseActor chart={chart} id={id} />
          {trouble !== "" && (
            <p role="alert" class="chart-trouble">
              {trouble}
            </p>
          )}
          {shown && <NextEvents actor={shown} />}
          <ChartExports chart={chart} api={session.api} id={shown ? id : ""} />
          <TransitionList chart={chart} />
        </aside>
      </div>
    </div>
  );
}

/** The fleet with those that are in the state; undefined where it shows none of the kind. */
function selectIn({ kind }: Chart): ((id: string) => void) | undefined {
  if (fleetFilter(kind, "") === null) return undefined;
  return (id) => navigate({ view: "fleet", query: fleetFilter(kind, id) ?? {} });
}

function ChartTabs({ chart }: { readonly chart: Chart }) {
  return (
    <nav class="chart-tabs" aria-label="Charts">
      {CHARTS.map(({ kind }) => (
        <a
          key={kind}
          href={hrefTo({ view: "chart", param: kind, query: { id: "" } })}
          aria-current={kind === chart.kind ? "page" : undefined}
        >
          {kind}
        </a>
      ))}
    </nav>
  );
}
