import type { Chart, ChartEdge, ChartNode } from "../wire/chart.ts";
import { arrowPath } from "./arrow-path.ts";
import { escaped } from "./escaped.ts";
import { baseLines } from "./label-lines.ts";
import { boxLines } from "./wrapped.ts";

const STYLE = `
  text { font: 600 13px system-ui, sans-serif; fill: #1b2330 }
  .region rect { fill: #f6f8fb; stroke: #c3ccd9 }
  .region text { font-size: 13px; fill: #4a5668 }
  .state rect { fill: #fff; stroke: #5b6b82; stroke-width: 1.4 }
  .any rect { fill: none; stroke: #8592a6; stroke-dasharray: 4 3 }
  .any text { font-weight: 400; font-size: 12px; fill: #4a5668 }
  .initial circle, .tip { fill: #5b6b82 }
  .arrow { fill: none; stroke: #5b6b82; stroke-width: 1.3 }
  .label rect { fill: #f6f8fb }
  .label text { font: 11px ui-monospace, "DejaVu Sans Mono", monospace }
  .label .guard { fill: #5c6779; font-style: italic }`;

const BOX_LINE_H = 15;

/** A chart as an SVG file that stands alone. */
export function chartSvg(chart: Chart): string {
  const { kind, about, width, height, nodes, edges } = chart;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title>${escaped(kind)}: ${escaped(about)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...nodes.filter(({ type }) => type === "region").map(nodeSvg),
    ...edges.map(
      ({ points }) => `<path class="arrow" d="${arrowPath(points)}" marker-end="url(#tip)"/>`,
    ),
    ...nodes.filter(({ type }) => type !== "region").map(nodeSvg),
    ...edges.map(labelSvg),
    "</svg>",
    "",
  ].join("\n");
}

function nodeSvg(node: ChartNode): string {
  const { type, key, x, y, w, h } = node;
  const rect = (inset: number, radius: number): string =>
    `<rect x="${x + inset}" y="${y + inset}" width="${w - 2 * inset}" height="${h - 2 * inset}" rx="${radius}"/>`;
  switch (type) {
    case "region":
      return `<g class="region">${rect(0, 10)}<text x="${x + 14}" y="${y + 22}">${escaped(key)}</text></g>`;
    case "initial":
      return `<g class="initial"><circle cx="${x + w / 2}" cy="${y + h / 2}" r="${w / 2 - 1}"/></g>`;
    case "any":
      return `<g class="any">${rect(0, 12)}${boxText(node)}</g>`;
    default:
      return `<g class="state">${rect(0, 9)}${type === "final" ? rect(4, 6) : ""}${boxText(node)}</g>`;
  }
}

function boxText(node: ChartNode): string {
  const lines = boxLines(node);
  const { x, y, w, h } = node;
  const first = y + h / 2 + 4.5 - ((lines.length - 1) * BOX_LINE_H) / 2;
  return lines
    .map(
      (line, i) =>
        `<text x="${x + w / 2}" y="${first + i * BOX_LINE_H}" text-anchor="middle">${escaped(line)}</text>`,
    )
    .join("");
}

function labelSvg({ label }: ChartEdge): string {
  if (!label) return "";
  const { x, y, w, h, lines } = label;
  const offsets = baseLines(lines);
  const texts = lines.map(
    ({ text, part }, index) =>
      `<text class="${part}" x="${x + 4}" y="${y + (offsets[index] ?? 0)}" xml:space="preserve">${escaped(text)}</text>`,
  );
  return `<g class="label"><rect x="${x}" y="${y}" width="${w}" height="${h}" rx="4"/>${texts.join("")}</g>`;
}
