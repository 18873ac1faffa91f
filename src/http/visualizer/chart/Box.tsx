import { formatCount } from "../../../machines/model/amounts.ts";
import type { Chart, ChartNode } from "../../wire/chart.ts";
import { boxLines } from "../../export/wrapped.ts";
import { nodeText, type Point } from "./overlay.ts";

export function RegionBox({ node: { x, y, w, h, key } }: { readonly node: ChartNode }) {
  return (
    <g class="region">
      <rect x={x} y={y} width={w} height={h} rx={8} />
      <text x={x + 14} y={y + 22}>
        {key}
      </text>
    </g>
  );
}

interface BoxProps {
  readonly chart: Chart;
  readonly node: ChartNode;
  readonly count: number;
  readonly isActive: boolean;
  readonly isLit: boolean;
  readonly onPoint: Point;
  readonly onSelect: ((id: string) => void) | undefined;
}

/** A state, or what stands for several or for the beginning. */
export function Box(props: BoxProps) {
  const { node, isLit } = props;
  const { x, y, w, h } = node;
  if (node.type === "initial")
    return <circle class="initial" cx={x + w / 2} cy={y + h / 2} r={w / 2 - 1} />;
  if (node.type === "any")
    return (
      <g class={`any${isLit ? " lit" : ""}`} {...pointing(props)}>
        <title>{`From any of: ${node.key}`}</title>
        <rect x={x} y={y} width={w} height={h} rx={12} />
        <Lines node={node} middle={x + w / 2} />
      </g>
    );
  return <State {...props} />;
}

function State(props: BoxProps) {
  const { chart, node, count, isActive, isLit, onSelect } = props;
  const { id, key, x, y, w, h } = node;
  const name = nodeText(chart, node, count, isActive);
  const color = chart.kind === "worker" && node.parent === "lifecycle" ? ` s-${key}` : "";
  const choose = onSelect && (() => onSelect(id));
  return (
    <g
      class={`state${color}${isActive ? " active" : ""}${isLit ? " lit" : ""}${count > 0 ? " filled" : ""}`}
      data-state={id}
      data-count={count}
      tabIndex={0}
      role={choose ? "button" : "img"}
      aria-label={name}
      onClick={choose}
      onKeyDown={(event) => {
        if (!choose || (event.key !== "Enter" && event.key !== " ")) return;
        event.preventDefault();
        // The space bar plays the journal elsewhere.
        event.stopPropagation();
        choose();
      }}
      {...pointing(props)}
    >
      <title>{choose ? `${name}: show them in the fleet` : name}</title>
      <rect class="body" x={x} y={y} width={w} height={h} rx={9} />
      {node.type === "final" && (
        <rect class="inner" x={x + 4} y={y + 4} width={w - 8} height={h - 8} rx={6} />
      )}
      <Lines node={node} middle={x + w / 2} />
      {count > 0 && <Badge x={x + w} y={y} count={count} />}
    </g>
  );
}

function pointing({ node, onPoint }: BoxProps) {
  const enter = (): void => onPoint({ node: node.id }, true);
  const leave = (): void => onPoint({ node: node.id }, false);
  return { onMouseEnter: enter, onMouseLeave: leave, onFocus: enter, onBlur: leave };
}

const LINE_H = 15;

function Lines({ node, middle }: { readonly node: ChartNode; readonly middle: number }) {
  const lines = boxLines(node);
  const first = node.y + node.h / 2 + 4.5 - ((lines.length - 1) * LINE_H) / 2;
  return (
    <>
      {lines.map((line, index) => (
        <text key={line} x={middle} y={first + index * LINE_H} text-anchor="middle">
          {line}
        </text>
      ))}
    </>
  );
}

/** How many are in it, on the corner. */
function Badge({
  x,
  y,
  count,
}: {
  readonly x: number;
  readonly y: number;
  readonly count: number;
}) {
  const text = formatCount(count);
  const w = Math.max(20, text.length * 7.5 + 12);
  return (
    <g class="count">
      <rect x={x - w + 8} y={y - 10} width={w} height={20} rx={10} />
      <text x={x - w / 2 + 8} y={y + 4.5} text-anchor="middle">
        {text}
      </text>
    </g>
  );
}
