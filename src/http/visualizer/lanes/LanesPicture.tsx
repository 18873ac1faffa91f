import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { hrefTo, navigate } from "../routing.ts";
import { Axis, AXIS_PX, Cursor } from "../time/Axis.tsx";
import { cursorMs } from "../time/page-travel.ts";
import type { TimeView } from "../time/use-time-view.ts";
import type { Viewport } from "../time/viewport.ts";
import { NO_WARP } from "../time/warp.ts";
import { formatMoney, formatSpan, formatTime } from "../../../machines/model/amounts.ts";
import { shortId, withName } from "../ui/words.ts";
import { laneTops, lanesSeen, type Lane } from "./lanes.ts";
import { placeStretches } from "./place.ts";

const SIZES = { barPx: 20, rowPx: 7 };
const BAR_PX = 11;
const RUN_PX = 5;

interface LanesPictureProps {
  readonly lanes: readonly Lane[];
  readonly timeView: TimeView<HTMLDivElement>;
}

/** A lane a worker, what it ran below its bar; only those are drawn that are seen. */
export function LanesPicture({ lanes, timeView }: LanesPictureProps) {
  const tops = useMemo(() => laneTops(lanes, SIZES), [lanes]);
  const { ref, scrollPx, heightPx, onScroll } = useScroll();
  const { first, last } = lanesSeen(tops, scrollPx, scrollPx + heightPx);
  const seen = lanes.slice(first, last + 1);
  const topPx = tops[first] ?? 0;
  const { view } = timeView;
  const drawnPx = (tops[last + 1] ?? 0) - topPx;
  return (
    <div class="lanes-picture">
      <div class="lanes-head">
        <span class="dim">
          worker · type <span class="cost">cost</span>
        </span>
        <svg width={view.widthPx} height={AXIS_PX}>
          <Axis view={view} warp={NO_WARP} heightPx={AXIS_PX} />
        </svg>
      </div>
      <div class="lanes-scroll" ref={ref} onScroll={onScroll} tabIndex={0} data-own-arrows>
        <div class="lanes-all" style={{ height: `${tops.at(-1) ?? 0}px` }}>
          <div class="lanes-labels" style={{ top: `${topPx}px` }}>
            {seen.map((lane, n) => (
              <LaneLabel
                key={lane.workerId}
                lane={lane}

                heightPx={(tops[first + n + 1] ?? 0) - (tops[first + n] ?? 0)}
              />
            ))}
          </div>
          <div class="lanes-area" ref={timeView.ref}>
            <svg
              class="lanes-svg"
              style={{ top: `${topPx}px` }}
              width={view.widthPx}
              height={Math.max(drawnPx, 1)}
              aria-hidden="true"
            >
              {seen.map((lane, n) => (
                <LaneBars
                  key={lane.workerId}
                  lane={lane}
                  view={view}
                  y={(tops[first + n] ?? 0) - topPx}
                />
              ))}
              <Cursor
                view={view}
                warp={NO_WARP}
                topPx={0}
                heightPx={drawnPx}
                atMs={cursorMs.value}
              />
            </svg>
          </div>
        </div>
      </div>
    </div>
  );
}

function useScroll() {
  const ref = useRef<HTMLDivElement>(null);
  const [scrollPx, setScrollPx] = useState(0);
  const [heightPx, setHeightPx] = useState(600);
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = (): void => setHeightPx(element.clientHeight);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const onScroll = (): void => setScrollPx(ref.current?.scrollTop ?? 0);
  return { ref, scrollPx, heightPx, onScroll };
}

interface LaneLabelProps {
  readonly lane: Lane;
  readonly heightPx: number;
}

function LaneLabel({ lane, heightPx }: LaneLabelProps) {
  const { workerId, instanceId, type, cost } = lane;
  const href = hrefTo({ view: "history", param: workerId });
  return (
    <a
      class="lane-label"
      href={href}
      style={{ height: `${heightPx}px` }}
      title={`${workerId} ${instanceId}`}
    >
      <span class="mono">{shortId(instanceId === "" ? workerId : instanceId)}</span>{" "}
      <span class="dim type">{type}</span>
      <span class="cost">{formatMoney(cost)}</span>
    </a>
  );
}

interface LaneBarsProps {
  readonly lane: Lane;
  readonly view: Viewport;
  readonly y: number;
}

function LaneBars({ lane, view, y }: LaneBarsProps) {
  const open = (param: string): void => navigate({ view: "history", param });
  return (
    <g class="lane">
      {placeStretches(lane.spans, view).map(({ px, widthPx, state, fromMs, toMs }) => (
        <rect
          key={fromMs}
          class={`lane-bar s-${state}`}
          x={px}
          y={y + 4}
          width={widthPx}
          height={BAR_PX}
          onClick={() => open(lane.workerId)}
        >
          <title>{`${lane.workerId}: ${state}, ${formatSpan(toMs - fromMs)} from ${timeOf(fromMs)}`}</title>
        </rect>
      ))}
      {lane.containers.length > 0 &&
        Array.from({ length: lane.rows }, (_, row) => (
          <LaneRuns key={row} lane={lane} row={row} view={view} y={y} />
        ))}
    </g>
  );
}

function LaneRuns({ lane, row, view, y }: LaneBarsProps & { readonly row: number }) {
  const runs = lane.containers.filter((run) => run.row === row);
  return (
    <>
      {placeStretches(runs, view).map(({ px, widthPx, id, name, fromMs, toMs }) => (
        <rect
          key={`${id}/${fromMs}`}
          class="lane-run"
          x={px}
          y={y + 4 + BAR_PX + 1 + row * SIZES.rowPx}
          width={Math.max(1, widthPx - 0.5)}
          height={RUN_PX}
          rx={1}
          onClick={() => navigate({ view: "history", param: id })}
        >
          <title>{`${withName(id, name)}: ${formatSpan(toMs - fromMs)} from ${timeOf(fromMs)}`}</title>
        </rect>
      ))}
    </>
  );
}

function timeOf(atMs: number): string {
  return formatTime(atMs);
}
