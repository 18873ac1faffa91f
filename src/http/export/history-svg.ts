import type { HistoryAnswer } from "../wire/actor.ts";
import { escaped } from "./escaped.ts";
import { closedSpans } from "./history-spans.ts";
import type { ClosedSpan } from "./history-spans.ts";

const WIDTH = 1200;
const LEFT = 110;
const RIGHT = 20;
const TOP = 56;
const ROW_H = 34;
const BAR_H = 22;
const MARKS_H = 26;
const TICKS = 5;

/** As in the page, told apart by lightness too; white text on each has a contrast of 4.5:1 or more. */
const COLORS: Readonly<Record<string, string>> = {
  creating: "#7a3f8f",
  booting: "#8a5a00",
  unknown: "#55595f",
  idle: "#0b6aa2",
  running: "#00664b",
  shutdown: "#a63c00",
  run: "#0b6aa2",
  hold: "#8a5a00",
  drain: "#a63c00",
  Queued: "#8a5a00",
  Locked: "#7a3f8f",
  Running: "#00664b",
  Complete: "#0b6aa2",
  Cancelled: "#a63c00",
  locking: "#7a3f8f",
  cancelling: "#a63c00",
  killing: "#a3211a",
  pausing: "#8a5a00",
  starting: "#7a3f8f",
  unkillable: "#a3211a",
  exited: "#0b6aa2",
  open: "#00664b",
  available: "#00664b",
  dispatching: "#00664b",
  recovering: "#8a5a00",
  stopping: "#a63c00",
};
/** Of the others: nothing goes on, or something is held back. */
const OTHER_COLOR = "#55595f";

/** What an actor went through as bars over time, as an SVG file that stands alone. */
export function historySvg(history: HistoryAnswer): string {
  const spans = closedSpans(history);
  const instants = [
    ...spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs]),
    ...history.marks.map(({ at }) => Date.parse(at)),
  ];
  const fromMs = Math.min(...instants);
  const toMs = Math.max(...instants, fromMs + 1);
  const x = (ms: number): number =>
    round(LEFT + ((ms - fromMs) / (toMs - fromMs)) * (WIDTH - LEFT - RIGHT));
  const regions = [...new Set(spans.map(({ region }) => region))];
  const marksY = TOP + regions.length * ROW_H;
  const height = marksY + MARKS_H + 30;
  const { kind, id } = history.actor;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="system-ui, sans-serif" font-size="12">`,
    `<title>${escaped(`History of ${kind} ${id}`)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#fff"/>`,
    `<text x="${LEFT}" y="26" font-size="15" font-weight="600">${escaped(`${kind} ${id}`)}</text>`,
    ...regions.map((region, row) => rowName(region || kind, TOP + row * ROW_H)),
    ...spans.map((span) => bar(span, TOP + regions.indexOf(span.region) * ROW_H, x)),
    rowName("records", marksY),
    ...history.marks.map(
      ({ at, text }) =>
        `<rect x="${x(Date.parse(at)) - 0.75}" y="${marksY + 3}" width="1.5" height="16" fill="#50565e"><title>${escaped(`${at} ${text}`)}</title></rect>`,
    ),
    ...ticks(fromMs, toMs, marksY + MARKS_H, x),
    "</svg>",
    "",
  ].join("\n");
}

function rowName(name: string, y: number): string {
  return `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end" fill="#50565e">${escaped(name)}</text>`;
}

function bar(
  { state, fromMs, toMs, isOpen }: ClosedSpan,
  y: number,
  x: (ms: number) => number,
): string {
  const w = Math.max(1, round(x(toMs) - x(fromMs)));
  const fits = w > state.length * 7 + 10;
  const text = fits
    ? `<text x="${x(fromMs) + 6}" y="${y + 15}" fill="#fff">${escaped(state)}</text>`
    : "";
  const title = `<title>${escaped(`${state}: ${instant(fromMs)} – ${isOpen ? "" : instant(toMs)}`)}</title>`;
  return `<g><rect x="${x(fromMs)}" y="${y}" width="${w}" height="${BAR_H}" rx="3" fill="${COLORS[state] ?? OTHER_COLOR}"${isOpen ? ' opacity="0.85"' : ""}/>${text}${title}</g>`;
}

function ticks(fromMs: number, toMs: number, y: number, x: (ms: number) => number): string[] {
  return Array.from({ length: TICKS }, (_, index) => {
    const ms = fromMs + ((toMs - fromMs) * index) / (TICKS - 1);
    const anchor = index === 0 ? "start" : index === TICKS - 1 ? "end" : "middle";
    return `<text x="${x(ms)}" y="${y + 14}" text-anchor="${anchor}" fill="#50565e">${instant(ms)}</text>`;
  });
}

const instant = (ms: number): string =>
  new Date(Math.round(ms)).toISOString().slice(0, 19).replace("T", " ");

const round = (value: number): number => Math.round(value * 10) / 10;
