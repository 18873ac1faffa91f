import { useState } from "preact/hooks";
import type { LastTransition } from "../../wire/actor.ts";
import type { Chart } from "../../wire/chart.ts";
import { arrowPath } from "../../export/arrow-path.ts";
import { ArrowLabel } from "./ArrowLabel.tsx";
import { Box, RegionBox } from "./Box.tsx";
import { litIds, takenEdge, type Focus, type Point } from "./overlay.ts";
import { Pan } from "./Pan.tsx";

interface StateChartProps {
  readonly chart: Chart;
  /** States that the chosen actor is in. */
  readonly active: readonly string[];
  readonly counts: Readonly<Record<string, number>>;
  readonly last: LastTransition | null;
  /** Undefined: nothing comes of choosing a state. */
  readonly onSelect?: ((id: string) => void) | undefined;
}

/** A machine as a picture, with who is where. It was laid out when the page was built. */
export function StateChart({ chart, active, counts, last, onSelect }: StateChartProps) {
  const [focus, setFocus] = useState<Focus>(NOTHING);
  // Leaving what is no longer pointed at changes nothing: the mouse may lie where a key's way leads along.
  const point: Point = (what, isOver) =>
    setFocus((now) => (isOver ? what : isSame(now, what) ? NOTHING : now));
  const lit = litIds(chart, focus);
  const taken = takenEdge(chart, last);
  const dims = lit.size > 0;
  const lineClass = (id: string): string =>
    `arrow${id === taken?.id ? " taken" : ""}${lit.has(id) ? " lit" : dims ? " dim" : ""}`;
  return (
    <Pan
      width={chart.width}
      height={chart.height}
      label={`State chart of ${chart.kind}`}
      center={centerOf(chart, active)}
    >
      <defs>
        <ArrowTip id="tip" />
        <ArrowTip id="tip-taken" />
      </defs>
      {chart.nodes
        .filter(({ type }) => type === "region")
        .map((node) => (
          <RegionBox key={node.id} node={node} />
        ))}
      {chart.edges.map(({ id, points }) => (
        <path
          key={id}
          class={lineClass(id)}
          d={arrowPath(points)}
          marker-end={id === taken?.id ? "url(#tip-taken)" : "url(#tip)"}
        />
      ))}
      {taken && <path class="taken-flow" d={arrowPath(taken.points)} />}
      {chart.nodes
        .filter(({ type }) => type !== "region")
        .map((node) => (
          <Box
            key={node.id}
            chart={chart}
            node={node}
            count={counts[node.id] ?? 0}
            isActive={active.includes(node.id)}
            isLit={lit.has(node.id)}
            onPoint={point}
            onSelect={onSelect}
          />
        ))}
      {chart.edges.map((edge) => (
        <ArrowLabel
          key={edge.id}
          edge={edge}
          isTaken={edge === taken}
          isLit={lit.has(edge.id)}
          onPoint={point}
        />
      ))}
    </Pan>
  );
}

const NOTHING: Focus = {};

const isSame = (a: Focus, b: Focus): boolean => a.node === b.node && a.edge === b.edge;

/** In drawing units, so that lines of any width have the same. */
function ArrowTip({ id }: { readonly id: string }) {
  return (
    <marker
      id={id}
      viewBox="0 0 8 8"
      refX="7"
      refY="4"
      markerUnits="userSpaceOnUse"
      markerWidth="10"
      markerHeight="10"
      orient="auto"
    >
      <path class={id === "tip" ? "tip" : "tip taken"} d="M0 0L8 4L0 8z" />
    </marker>
  );
}

/** Of the active states the last, which is the worker's in its lifecycle. */
function centerOf({ nodes }: Chart, active: readonly string[]): readonly [number, number] | null {
  const shown = nodes.findLast(({ id }) => active.includes(id));
  return shown ? [shown.x + shown.w / 2, shown.y + shown.h / 2] : null;
}
