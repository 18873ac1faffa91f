import { useMemo } from "preact/hooks";
import type { TimelineAnswer } from "../../wire/timeline.ts";
import { navigate, route } from "../routing.ts";
import { useTimeView } from "../time/use-time-view.ts";
import { useZoomKeys } from "../time/view-keys.ts";
import { timelineTrouble, wholeTimeline } from "../time/whole-timeline.ts";
import { ZoomButtons } from "../time/ZoomButtons.tsx";
import { WORKER_STATES } from "../ui/states.ts";
import { formatMoney, formatSpan } from "../../../machines/model/amounts.ts";
import {
  findLanes,
  LANE_ORDERS,
  lanesWithin,
  readLanes,
  sortLanes,
  totalCost,
  withCosts,
  type Lane,
  type LaneOrder,
} from "./lanes.ts";
import { LanesPicture } from "./LanesPicture.tsx";
import { LanesTable } from "./LanesTable.tsx";
import { useCosts } from "./use-costs.ts";
import "../time/timeline.css";
import "./lanes.css";

/** All workers with what they ran, over time. */
export default function LanesView() {
  const answer = wholeTimeline.value;
  const trouble = timelineTrouble.value;
  if (answer) return <Lanes answer={answer} />;
  return (
    <p class="note" role={trouble === "" ? undefined : "alert"}>
      {trouble || "Reading the journal…"}
    </p>
  );
}

function Lanes({ answer }: { readonly answer: TimelineAnswer }) {
  const { q = "", order = "start", as = "" } = route.value.query;
  const bounds = {
    from: Date.parse(answer.from),
    to: Math.max(Date.parse(answer.to), Date.parse(answer.from) + 1),
  };
  const timeView = useTimeView<HTMLDivElement>(bounds);
  const { view, isZoomed } = timeView;
  const costs = useCosts(isZoomed ? view : null);
  const all = useMemo(() => readLanes(answer), [answer]);
  const sorted = useMemo(
    () => sortLanes(findLanes(all, q), isOrder(order) ? order : "start"),
    [all, q, order],
  );
  const lanes = useMemo(() => {
    if (!isZoomed) return sorted;
    const seen = lanesWithin(sorted, { fromMs: view.from, toMs: view.to });
    return costs ? withCosts(seen, costs) : seen;
  }, [sorted, isZoomed, view.from, view.to, costs]);
  const isSettled = !isZoomed || costs !== null;
  useZoomKeys(timeView);
  return (
    <div class="lanes">
      <div class="lanes-bar">
        <Search text={q} />
        <Order order={order} />
        <button
          type="button"
          aria-pressed={as === "table"}
          onClick={() => navigate({ query: { as: as === "table" ? "" : "table" } })}
        >
          Table
        </button>
        <ZoomButtons timeView={timeView} />
        <Legend />
        <span class="spacer" />
        <Total lanes={lanes} isSettled={isSettled} spanMs={view.to - view.from} />
      </div>
      {answer.truncated !== "" && <p class="notice warn">{answer.truncated}</p>}
      {lanes.length === 0 && <p class="note">No worker was there, or none that was looked for.</p>}
      {as === "table" ? (
        <LanesTable lanes={lanes} />
      ) : (
        <LanesPicture lanes={lanes} timeView={timeView} />
      )}
    </div>
  );
}

function isOrder(order: string): order is LaneOrder {
  return (LANE_ORDERS as readonly string[]).includes(order);
}

function Search({ text }: { readonly text: string }) {
  return (
    <input
      type="search"
      aria-label="Find workers by id, instance, type or container"
      placeholder="id, type, container"
      value={text}
      onInput={(event) => navigate({ query: { q: event.currentTarget.value } }, { replace: true })}
    />
  );
}

const ORDER_NAMES: Readonly<Record<LaneOrder, string>> = {
  start: "by start",
  cost: "by cost",
  type: "by type",
};

function Order({ order }: { readonly order: string }) {
  return (
    <select
      aria-label="Order"
      value={order}
      onChange={(event) =>
        navigate({ query: { order: event.currentTarget.value } }, { replace: true })
      }
    >
      {LANE_ORDERS.map((each) => (
        <option key={each} value={each}>
          {ORDER_NAMES[each]}
        </option>
      ))}
    </select>
  );
}

function Legend() {
  return (
    <span class="legend" aria-label="Colours">
      {WORKER_STATES.filter((state) => state !== "gone").map((state) => (
        <span key={state} class={`s-${state}`}>
          {state}
        </span>
      ))}
      <span class="run">container</span>
    </span>
  );
}

interface TotalProps {
  readonly lanes: readonly Lane[];
  readonly isSettled: boolean;
  readonly spanMs: number;
}

function Total({ lanes, isSettled, spanMs }: TotalProps) {
  return (
    <span role="status">
      {lanes.length} workers in {formatSpan(spanMs)}, cost{" "}
      <b class="total-cost">{isSettled ? formatMoney(totalCost(lanes)) : "…"}</b>
    </span>
  );
}
