import { readFile, writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";

/**
 * `npm run --silent bench -- NAME… | npm run --silent docs:performance`: puts the figures into docs/performance.md, each
 * bench's at its place, and draws how the planner's cost grows.
 */
const PAGE = "docs/performance.md";
const PICTURE = "docs/performance.svg";

const WIDTH = 640;
const HEIGHT = 300;
const MARGIN = { left: 64, right: 24, top: 16, bottom: 44 };

interface Point {
  readonly containers: number;
  readonly ms: number;
}

const output = await text(process.stdin);
const [machine = "", ...lines] = output.trim().split("\n");
let page = await readFile(PAGE, "utf8");
for (const [mark, figures] of sections(lines)) page = withBlock(page, mark, figures);
await writeFile(PAGE, page);
const points = curveOf(lines);
if (points.length > 1) await writeFile(PICTURE, svg(points));

/** Of each bench, its lines under the heading. */
function sections(all: readonly string[]): Map<string, string[]> {
  const [heading = ""] = all.filter((line) => line.startsWith("figure"));
  const byBench = new Map<string, string[]>();
  for (const line of all) {
    const bench = /^([a-z]+): /.exec(line)?.[1];
    if (bench === undefined) continue;
    const known = byBench.get(bench) ?? [machine, "", heading];
    byBench.set(bench, [...known, line]);
  }
  return byBench;
}

function withBlock(whole: string, mark: string, figures: readonly string[]): string {
  const begin = `<!-- ${mark} -->\n`;
  const end = `<!-- end of ${mark} -->`;
  const from = whole.indexOf(begin);
  const to = whole.indexOf(end);
  if (from < 0 || to < 0) throw new Error(`${PAGE}: expected ${begin.trim()} and ${end}`);
  const block = ["", "```", ...figures, "```", "", ""].join("\n");
  return whole.slice(0, from + begin.length) + block + whole.slice(to);
}

function curveOf(all: readonly string[]): Point[] {
  return all.flatMap((line) => {
    const [, containers = "", ms = ""] =
      /^planner: growth, ([\d,]+) × [\d,]+ +([\d.,]+)/.exec(line) ?? [];
    const number = (digits: string): number => Number(digits.replaceAll(",", ""));
    return containers === "" ? [] : [{ containers: number(containers), ms: number(ms) }];
  });
}

/** On logarithmic axes, where a straight line at 45° is growth in proportion; the dashed one is that. */
function svg(curve: readonly Point[]): string {
  const [first] = curve as [Point];
  const x = scale(
    curve.map(({ containers }) => containers),
    [MARGIN.left, WIDTH - MARGIN.right],
  );
  const proportional = curve.map(({ containers }) => (first.ms * containers) / first.containers);
  const ms = [...curve.map((point) => point.ms), ...proportional];
  const y = scale(ms, [HEIGHT - MARGIN.bottom, MARGIN.top]);
  const path = (values: readonly number[]): string =>
    curve
      .map((point, at) => `${at === 0 ? "M" : "L"}${x(point.containers)} ${y(values[at]!)}`)
      .join("");
  const dots = curve.map(
    (point) => `<circle cx="${x(point.containers)}" cy="${y(point.ms)}" r="3"/>
<text x="${x(point.containers)}" y="${HEIGHT - MARGIN.bottom + 18}" text-anchor="middle">${short(point.containers)}</text>
<text x="${x(point.containers) - 6}" y="${y(point.ms) - 8}" text-anchor="end">${point.ms} ms</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Time of a run of the planner by the number of containers">
<style>text{font:12px system-ui,sans-serif;fill:#57534e}path{fill:none;stroke:#1b6ca8;stroke-width:2}circle{fill:#1b6ca8}</style>
<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>
<path d="${path(proportional)}" style="stroke:#a8a29e;stroke-dasharray:5 4;stroke-width:1"/>
<path d="${path(curve.map((point) => point.ms))}"/>
${dots.join("\n")}
<text x="${WIDTH / 2}" y="${HEIGHT - 6}" text-anchor="middle">containers (a worker for twenty); dashed: growth in proportion</text>
</svg>
`;
}

function scale(values: readonly number[], [from, to]: readonly [number, number]) {
  const [least, most] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  return (value: number): number =>
    Math.round(from + ((Math.log(value) - least) / (most - least)) * (to - from));
}

function short(count: number): string {
  return count >= 1_000 ? `${count / 1_000}k` : String(count);
}
