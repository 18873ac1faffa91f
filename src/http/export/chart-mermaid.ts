import type { Chart, ChartEdge, ChartNode } from "../wire/chart.ts";
import { saidOnce } from "./said-once.ts";

type Node = Pick<ChartNode, "id" | "key" | "parent" | "type">;

/** A chart without places will do. */
interface PlainChart extends Pick<Chart, "kind"> {
  readonly nodes: readonly Node[];
  readonly edges: readonly Pick<ChartEdge, "from" | "to" | "to_any" | "transitions">[];
}

/** A chart as a Mermaid state diagram. */
export function chartMermaid(chart: PlainChart): string {
  const regions = chart.nodes.filter(({ type }) => type === "region");
  const isWhole = ({ id }: Node): boolean => id === "";
  const lines = regions.flatMap((region) =>
    isWhole(region)
      ? regionLines(chart, region, "  ")
      : [`  state "${region.key}" as ${region.id} {`, ...regionLines(chart, region, "    "), "  }"],
  );
  return ["stateDiagram-v2", ...lines, ""].join("\n");
}

function regionLines(chart: PlainChart, region: Node, indent: string): string[] {
  const names = mermaidNames(chart);
  const own = chart.nodes.filter(({ parent, type }) => parent === region.id && type !== "initial");
  const ids = new Set(chart.nodes.filter(({ parent }) => parent === region.id).map(({ id }) => id));
  const arrows = chart.edges.filter(({ from }) => ids.has(from));
  return [
    ...own.map(({ id, key }) => `${indent}state "${key}" as ${names.get(id)}`),
    ...arrows.flatMap((edge) => {
      const arrow = `${indent}${names.get(edge.from)} --> ${names.get(edge.to)}`;
      const transitions = saidOnce(edge);
      if (transitions.length === 0) return [arrow];
      return transitions.map((transition) => `${arrow} : ${labelOf(transition)}`);
    }),
    ...own
      .filter(({ type }) => type === "final")
      .map(({ id }) => `${indent}${names.get(id)} --> [*]`),
  ];
}

function labelOf({ events, guard }: ChartEdge["transitions"][number]): string {
  return [events.join(", "), guard === "" ? "" : `[${guard}]`].filter(Boolean).join(" ");
}

/** Letters, digits and `_` only; what stands for several states gets a number. */
function mermaidNames({ kind, nodes }: PlainChart): Map<string, string> {
  let anysCount = 0;
  return new Map(
    nodes.map(({ id, type, parent }) => {
      if (type === "initial") return [id, "[*]"];
      if (type === "any") return [id, `${parent || kind}_any${++anysCount}`];
      return [id, id.replaceAll(".", "_")];
    }),
  );
}
