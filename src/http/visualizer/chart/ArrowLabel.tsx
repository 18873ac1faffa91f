import type { ChartEdge } from "../../wire/chart.ts";
import { arrowPath } from "../../export/arrow-path.ts";
import { baseLines } from "../../export/label-lines.ts";
import { edgeText, type Point } from "./overlay.ts";

interface ArrowLabelProps {
  readonly edge: ChartEdge;
  readonly isTaken: boolean;
  readonly isLit: boolean;
  readonly onPoint: Point;
}

/** What an arrow says; pointing at it, or at its line, lights both. */
export function ArrowLabel({ edge, isTaken, isLit, onPoint }: ArrowLabelProps) {
  const { id, points, label } = edge;
  if (!label) return null;
  const enter = (): void => onPoint({ edge: id }, true);
  const leave = (): void => onPoint({ edge: id }, false);
  const offsets = baseLines(label.lines);
  return (
    <g
      class={`label${isTaken ? " taken" : ""}${isLit ? " lit" : ""}`}
      data-edge={id}
      tabIndex={0}
      role="img"
      aria-label={edgeText(edge) + (isTaken ? ", taken last" : "")}
      onMouseEnter={enter}
      onMouseLeave={leave}
      onFocus={enter}
      onBlur={leave}
    >
      <title>{edgeText(edge)}</title>
      <path class="hit" d={arrowPath(points)} />
      <rect x={label.x} y={label.y} width={label.w} height={label.h} rx={4} />
      {label.lines.map(({ text, part }, index) => (
        <text key={index} class={part} x={label.x + 4} y={label.y + (offsets[index] ?? 0)}>
          {text}
        </text>
      ))}
    </g>
  );
}
