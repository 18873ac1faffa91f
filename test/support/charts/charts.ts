import type { AnyStateMachine } from "xstate";
import { fileURLToPath } from "node:url";
import { MACHINES } from "../../../src/machines/core/registry.ts";
import { pathOf } from "../../../src/machines/transitions.ts";
import type { Chart, ChartEdge, ChartNode } from "../../../src/http/wire/chart.ts";
import { crossingsOf } from "./crossings.ts";
import { edgesOf } from "./edges.ts";
import { ABOUT } from "./about.ts";
import type { ActorKind } from "../../../src/machines/model/ids.ts";
import { regionsOf } from "./graph.ts";
import type { Region } from "./graph.ts";
import { placed } from "./layout.ts";
import type { Direction } from "./layout.ts";

export const CHARTS_JSON = fileURLToPath(
  new URL("../../../src/http/visualizer/charts.json", import.meta.url),
);

const MARGIN = 16;
const PADDING = 18;
const TITLE_H = 26;

/** The file's text: a box or an arrow a line, so that a change of a chart reads as one. */
export async function chartsFile(): Promise<string> {
  const texts = (await drawnCharts()).map(({ nodes, edges, internal, ...chart }) => {
    const lists = Object.entries({ nodes, edges, internal }).map(
      ([name, items]) =>
        `"${name}": [\n${items.map((item) => `  ${JSON.stringify(item)}`).join(",\n")}]`,
    );
    return `${JSON.stringify(chart).slice(0, -1)},\n${lists.join(",\n")}}`;
  });
  return `[${texts.join(",\n")}]\n`;
}

/** All charts as pictures, from the machines of this code. */
export async function drawnCharts(): Promise<Chart[]> {
  const kinds = Object.keys(MACHINES) as ActorKind[];
  return Promise.all(kinds.map((kind) => chartOf(kind, MACHINES[kind])));
}

async function chartOf(kind: ActorKind, machine: AnyStateMachine): Promise<Chart> {
  const edges = edgesOf(machine.root);
  const internal = edges
    .filter(({ target }) => !target)
    .map(({ sources, events, guard, actions }) => ({
      in: sources.map(pathOf),
      events: [...events],
      guard,
      actions: actions === "" ? [] : actions.split(", "),
    }));
  const regions = regionsOf(machine, edges);
  const pictures = await Promise.all(
    DIRECTIONS.flatMap((way) => [pictureOf(regions, way), pictureOf(regions.map(sharedLast), way)]),
  );
  const [best] = pictures.sort((a, b) => misfit(a) - misfit(b));
  return { kind, about: ABOUT[kind], ...(best as Picture), internal };
}

type Picture = Pick<Chart, "width" | "height" | "nodes" | "edges">;

const DIRECTIONS: readonly Direction[] = ["DOWN", "RIGHT"];
const ASPECT = 1.5;

const CROSSING_COST = 0.05;

/** How far a picture is from a window's shape, and from having no crossings. */
function misfit({ width, height, edges }: Picture): number {
  return Math.abs(Math.log(width / height / ASPECT)) + crossingsOf(edges) * CROSSING_COST;
}

/** Boxes that stand for several states at the end, not at the beginning. */
function sharedLast(region: Region): Region {
  const isShared = ({ type }: { type: string }): boolean => type === "any";
  const others = region.nodes.filter((node) => !isShared(node));
  return { ...region, nodes: [...others, ...region.nodes.filter(isShared)] };
}

/** Regions side by side where arrows lead down, else under each other; all as long as the longest. */
async function pictureOf(regions: readonly Region[], direction: Direction): Promise<Picture> {
  const parts = await Promise.all(regions.map((region) => placed(region, direction)));
  const isDown = direction === "DOWN";
  const widest = Math.max(...parts.map(({ width }) => width));
  const highest = Math.max(...parts.map(({ height }) => height));
  const nodes: ChartNode[] = [];
  const edges: ChartEdge[] = [];
  let [x, y] = [MARGIN, MARGIN];
  parts.forEach((part, index) => {
    const region = regions[index] as Region;
    const w = (isDown ? part.width : widest) + 2 * PADDING;
    const h = (isDown ? highest : part.height) + TITLE_H + 2 * PADDING;
    nodes.push(regionNode(region, { x, y, w, h }));
    const [dx, dy] = [x + PADDING, y + TITLE_H + PADDING];
    nodes.push(...part.nodes.map((node) => ({ ...node, x: node.x + dx, y: node.y + dy })));
    edges.push(...part.edges.map((edge) => moved(edge, dx, dy)));
    if (isDown) x += w + MARGIN;
    else y += h + MARGIN;
  });
  const width = isDown ? x : widest + 2 * PADDING + 2 * MARGIN;
  const height = isDown ? highest + TITLE_H + 2 * PADDING + 2 * MARGIN : y;
  return { width, height, nodes, edges };
}

function regionNode(
  { id, key }: Region,
  box: { x: number; y: number; w: number; h: number },
): ChartNode {
  return { id, key, parent: null, type: "region", initial: false, of: [], ...box };
}

function moved(edge: ChartEdge, dx: number, dy: number): ChartEdge {
  const { points, label } = edge;
  return {
    ...edge,
    points: points.map(([x, y]): [number, number] => [x + dx, y + dy]),
    label: label && { ...label, x: label.x + dx, y: label.y + dy },
  };
}
