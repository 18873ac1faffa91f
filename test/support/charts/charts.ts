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
import type { PlacedRegion } from "./layout.ts";

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
      actions: [...actions],
    }));
  const regions = regionsOf(machine, edges);
  const parts = await Promise.all(regions.map(bestOf));
  return { kind, about: ABOUT[kind], ...stacked(regions, parts), internal };
}

const DIRECTIONS = ["DOWN", "RIGHT"] as const;

/** Each region is placed in several ways, and the best is taken. */
async function bestOf(region: Region): Promise<PlacedRegion> {
  const ways = DIRECTIONS.flatMap((way) => [placed(region, way), placed(sharedLast(region), way)]);
  const [best] = (await Promise.all(ways)).sort((a, b) => cost(a) - cost(b));
  return best as PlacedRegion;
}

const WIDE = 1300;
const WIDTH_COST = 3;
const CROSSING_COST = 0.05;

/** A page is scrolled down with ease, and sideways with none; crossings cost more than a little room. */
function cost({ width, height, edges }: PlacedRegion): number {
  const tooWide = Math.max(0, width / WIDE - 1) * WIDTH_COST;
  return tooWide + height / 1000 + crossingsOf(edges) * CROSSING_COST;
}

/** Boxes that stand for several states at the end, not at the beginning. */
function sharedLast(region: Region): Region {
  const isShared = ({ type }: { type: string }): boolean => type === "any";
  const others = region.nodes.filter((node) => !isShared(node));
  return { ...region, nodes: [...others, ...region.nodes.filter(isShared)] };
}

/** Regions under each other, all as wide as the widest. */
function stacked(
  regions: readonly Region[],
  parts: readonly PlacedRegion[],
): Pick<Chart, "width" | "height" | "nodes" | "edges"> {
  const w = Math.max(...parts.map(({ width }) => width)) + 2 * PADDING;
  const nodes: ChartNode[] = [];
  const edges: ChartEdge[] = [];
  let y = MARGIN;
  parts.forEach((part, index) => {
    const h = part.height + TITLE_H + 2 * PADDING;
    nodes.push({ ...(regions[index] as Region).box, x: MARGIN, y, w, h });
    const dx = MARGIN + (w - part.width) / 2;
    const dy = y + TITLE_H + PADDING;
    nodes.push(...part.nodes.map((node) => ({ ...node, x: node.x + dx, y: node.y + dy })));
    edges.push(...part.edges.map((edge) => moved(edge, dx, dy)));
    y += h + MARGIN;
  });
  return { width: w + 2 * MARGIN, height: y, nodes, edges };
}

function moved(edge: ChartEdge, dx: number, dy: number): ChartEdge {
  const { points, label } = edge;
  return {
    ...edge,
    points: points.map(([x, y]): [number, number] => [x + dx, y + dy]),
    label: label && { ...label, x: label.x + dx, y: label.y + dy },
  };
}
