import type { SeriesPoint } from "../../simulator/series.ts";
import { formatSpan } from "../../machines/model/amounts.ts";
import { ROWS } from "./report-text.ts";
import type { Result } from "./result.ts";

const WIDTH = 900;
const HEIGHT = 160;
const LEFT = 48;
const BOTTOM = 24;
const COLORS = ["#1b6ca8", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#be185d", "#0f766e"];
const DASHES = ["", "6 3", "2 3", "8 3 2 3", "1 4", "10 4", "4 1"];

const PLOTS = [
  { title: "Instances", of: ({ instances }: SeriesPoint) => instances },
  { title: "Containers with a process", of: ({ running }: SeriesPoint) => running },
  { title: "Containers waiting", of: ({ waiting }: SeriesPoint) => waiting },
] as const;

/** One page that needs nothing from anywhere: the table, and plots as inline SVG. */
export function reportHtml(results: readonly Result[], title: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1c1917; background: #fff }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
th, td { padding: 0.2rem 0.8rem; border-bottom: 1px solid #d6d3d1; text-align: right }
th:first-child { text-align: left; font-weight: normal; white-space: nowrap }
svg { max-width: 100%; height: auto; display: block }
svg text { font: 12px system-ui, sans-serif; fill: #57534e }
.legend span { margin-right: 1.5rem; white-space: nowrap }
@media (prefers-color-scheme: dark) {
  body { color: #e7e5e4; background: #1c1917 }
  th, td { border-color: #57534e }
  svg text { fill: #a8a29e }
}
</style>
</head>
<body>
<h1>${escape(title)}</h1>
${table(results)}
<p class="legend">${results.map(({ name }, at) => `<span>${swatch(at)} ${escape(name)}</span>`).join("\n")}</p>
${PLOTS.map((plot) => `<h2>${plot.title}</h2>\n${svg(results, plot)}`).join("\n")}
</body>
</html>
`;
}

function table(results: readonly Result[]): string {
  const head = results.map(({ name }) => `<th scope="col">${escape(name)}</th>`).join("");
  const rows = ROWS.map((row) => {
    const cells = results.map(({ summary }) => `<td>${escape(row.text(summary))}</td>`).join("");
    return `<tr><th scope="row">${row.title}</th>${cells}</tr>`;
  });
  return `<table><thead><tr><td></td>${head}</tr></thead>\n<tbody>${rows.join("\n")}</tbody></table>`;
}

function swatch(at: number): string {
  return `<svg width="28" height="8" style="display:inline" aria-hidden="true"><line x1="0" y1="4" x2="28" y2="4" ${stroke(at)}/></svg>`;
}

/** Told apart by their dashes too. */
function stroke(at: number): string {
  const color = COLORS[at % COLORS.length];
  const dashes = DASHES[at % DASHES.length];
  return `stroke="${color}" stroke-width="2" fill="none" stroke-dasharray="${dashes}"`;
}

function svg(results: readonly Result[], plot: (typeof PLOTS)[number]): string {
  const spanMs = Math.max(1, ...results.map(({ summary }) => summary.toAtMs - summary.fromAtMs));
  const most = Math.max(1, ...results.flatMap(({ summary }) => summary.series.map(plot.of)));
  const x = (ms: number): number => round(LEFT + (ms / spanMs) * (WIDTH - LEFT));
  const y = (value: number): number => round(8 + (1 - value / most) * (HEIGHT - BOTTOM - 8));
  const lines = results.map(({ summary }, at) => {
    const path = steps(summary.series, summary.toAtMs, (point) => [
      x(point.atMs - summary.fromAtMs),
      y(plot.of(point)),
    ]);
    return `<path d="${path}" ${stroke(at)}/>`;
  });
  const marks = [0, 0.25, 0.5, 0.75, 1].map(
    (share) =>
      `<text x="${x(share * spanMs)}" y="${HEIGHT - 6}" text-anchor="${share === 1 ? "end" : "middle"}">${formatSpan(share * spanMs)}</text>`,
  );
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" aria-label="${plot.title} over time, at most ${most}">
<line x1="${LEFT}" y1="${y(0)}" x2="${WIDTH}" y2="${y(0)}" stroke="#a8a29e"/>
<text x="${LEFT - 8}" y="${y(most) + 4}" text-anchor="end">${most}</text>
<text x="${LEFT - 8}" y="${y(0) + 4}" text-anchor="end">0</text>
${marks.join("")}
${lines.join("\n")}
</svg>`;
}

function steps(
  series: readonly SeriesPoint[],
  toAtMs: number,
  place: (point: SeriesPoint) => [number, number],
): string {
  const last = series.at(-1);
  if (!last) return "";
  const [first, ...others] = [...series, { ...last, atMs: toAtMs }].map(place);
  const [x0, y0] = first ?? [0, 0];
  return `M${x0} ${y0}${others.map(([x, y]) => `H${x}V${y}`).join("")}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (each) => `&#${each.charCodeAt(0)};`);
}
