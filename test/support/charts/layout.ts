import { createRequire } from "node:module";
import type { ELK, ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api.js";
import type { ChartEdge, ChartNode } from "../../../src/http/wire/chart.ts";
import { boxLines } from "../../../src/http/export/wrapped.ts";
import type { Arrow, Node, Region } from "./graph.ts";
import { boxWidth } from "./label.ts";

const elkModule = createRequire(import.meta.url)("elkjs/lib/elk.bundled.js") as new () => ELK;

const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.edgeRouting": "ORTHOGONAL",
  "elk.layered.spacing.nodeNodeBetweenLayers": "26",
  "elk.layered.spacing.edgeNodeBetweenLayers": "18",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "12",
  "elk.spacing.nodeNode": "22",
  "elk.spacing.edgeNode": "16",
  "elk.spacing.edgeEdge": "12",
  "elk.spacing.edgeLabel": "3",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.considerModelOrder.strategy": "PREFER_EDGES",
  "elk.layered.cycleBreaking.strategy": "MODEL_ORDER",
  "elk.layered.thoroughness": "20",
  "elk.randomSeed": "1",
};

const NODE_H = 38;
const ANY_LINE_H = 15;
const MARKER = 14;

export type Direction = "DOWN" | "RIGHT";

export interface PlacedRegion {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly ChartNode[];
  readonly edges: readonly ChartEdge[];
}

/** Places one region's boxes and arrows, from its own corner. The same graph is always placed alike. */
export async function placed(region: Region, direction: Direction): Promise<PlacedRegion> {
  const laidOut: ElkNode = await new elkModule().layout({
    id: "region",
    layoutOptions: { ...OPTIONS, "elk.direction": direction },
    children: region.nodes.map(elkNode),
    edges: region.arrows.map(elkEdge),
  });
  const boxes = new Map((laidOut.children ?? []).map((box) => [box.id, box]));
  const lines = new Map((laidOut.edges ?? []).map((line) => [line.id, line]));
  return {
    width: Math.ceil(laidOut.width ?? 0),
    height: Math.ceil(laidOut.height ?? 0),
    nodes: region.nodes.map((node) => placedNode(node, boxes.get(node.id))),
    edges: region.arrows.map((arrow) => placedArrow(arrow, lines.get(arrow.id))),
  };
}

function elkNode(node: Node): ElkNode {
  const layoutOptions: Record<string, string> =
    node.type === "final" ? { "elk.layered.layering.layerConstraint": "LAST" } : {};
  return { id: node.id, ...sizeOf(node), layoutOptions };
}

function sizeOf({ type, key }: Node): { width: number; height: number } {
  if (type === "initial") return { width: MARKER, height: MARKER };
  if (type === "any") {
    const lines = boxLines({ type, key });
    const longest = lines.reduce((a, b) => (a.length >= b.length ? a : b));
    return { width: boxWidth(longest), height: lines.length * ANY_LINE_H + 10 };
  }
  // Room for the badge that counts the actors in it.
  return { width: Math.max(96, boxWidth(key) + 34), height: NODE_H };
}

function elkEdge({ id, from, to, label }: Arrow): ElkExtendedEdge {
  const labels = label
    ? [
        {
          text: id,
          width: label.w,
          height: label.h,
          layoutOptions: { "elk.edgeLabels.inline": "true" },
        },
      ]
    : [];
  return { id, sources: [from], targets: [to], labels };
}

function placedNode(node: Node, box: ElkNode | undefined): ChartNode {
  const { x = 0, y = 0, width = 0, height = 0 } = box ?? {};
  return { ...node, x: round(x), y: round(y), w: round(width), h: round(height) };
}

function placedArrow(arrow: Arrow, line: ElkExtendedEdge | undefined): ChartEdge {
  const section = line?.sections?.[0];
  if (!section) throw new Error(`${arrow.id} was not placed`);
  const points = [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
  const at = line.labels?.[0];
  const { label } = arrow;
  return {
    ...arrow,
    points: points.map(({ x, y }): [number, number] => [round(x), round(y)]),
    label: label && { x: round(at?.x ?? 0), y: round(at?.y ?? 0), ...label },
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;
