import type { AnyStateMachine, StateNode } from "xstate";
import { pathOf } from "../../../src/machines/transitions.ts";
import type { ChartEdge, ChartNode, ChartTransition } from "../../../src/http/wire/chart.ts";
import { saidOnce } from "../../../src/http/export/said-once.ts";
import { drawnEdges, grouped } from "./edges.ts";
import type { DrawnEdge, Edge } from "./edges.ts";
import { labelOf } from "./label.ts";
import type { Label } from "./label.ts";

/** A box before it has a place. */
export type Node = Omit<ChartNode, "x" | "y" | "w" | "h">;
export type Arrow = Omit<ChartEdge, "points" | "label"> & { readonly label: Label | null };

/** States of one region (or of a chart without regions) with the arrows between them. */
export interface Region {
  /** The box around them. */
  readonly box: Node;
  readonly nodes: readonly Node[];
  readonly arrows: readonly Arrow[];
}

/** What is drawn of a chart, region by region: no arrow leads from one into another. */
export function regionsOf({ root }: AnyStateMachine, edges: readonly Edge[]): Region[] {
  const nodes = root.type === "parallel" ? Object.values(root.states) : [root];
  return nodes.map((node) => regionOf(node as StateNode, edges));
}

function regionOf(region: StateNode, edges: readonly Edge[]): Region {
  const parent = pathOf(region);
  const states = Object.values<StateNode>(region.states);
  const [first] = region.initial.target ?? [];
  const own = drawnEdges(edges).filter(({ targets }) => targets[0]?.parent === region);
  const groups = own.flatMap((edge) => [
    ...(isShared(edge, region) ? [statesLeft(edge, region)] : []),
    ...(edge.targets.length > 1 ? [edge.targets.map(pathOf)] : []),
  ]);
  const anys = grouped(
    groups.map((of) => anyNode(parent, of, states.length)),
    ({ id }) => id,
    (a) => a,
  );
  const nodes = [
    { ...plain(`${parent}.initial`, parent, "initial"), key: "" },
    ...anys,
    ...states.map((state) => ({
      ...plain(pathOf(state), parent, state.type === "final" ? "final" : "state"),
      key: state.key,
      initial: state === first,
    })),
  ] satisfies Node[];
  const begin = first
    ? [
        arrow(
          { from: `${parent}.initial`, to: pathOf(first), from_any: [], to_any: [pathOf(first)] },
          [],
        ),
      ]
    : [];
  const box = { ...plain(parent, null, "region"), key: region.key };
  return { box, nodes, arrows: [...begin, ...arrowsOf(region, own)] };
}

function plain(id: string, parent: string | null, type: Node["type"]): Node {
  return { id, key: "", parent, type, initial: false, of: [] };
}

/** What more than two states, or all of them, have alike is drawn once. */
const isShared = ({ sources }: DrawnEdge, region: StateNode): boolean =>
  sources.length > 2 || sources.includes(region);

function statesLeft({ sources }: DrawnEdge, region: StateNode): string[] {
  const left = sources.includes(region) ? Object.values(region.states) : sources;
  return left.map((state) => pathOf(state));
}

function anyNode(parent: string, of: readonly string[], statesCount: number): Node {
  const names = of.map((id) => id.slice(id.lastIndexOf(".") + 1));
  const key = of.length === statesCount ? "any state" : names.join(", ");
  return { ...plain(anyId(parent, of), parent, "any"), key, of: [...of] };
}

const anyId = (parent: string, of: readonly string[]): string =>
  `${parent}.any(${of.map((id) => id.slice(id.lastIndexOf(".") + 1)).join(",")})`;

/** One arrow for all that leads from one box to another. */
function arrowsOf(region: StateNode, edges: readonly DrawnEdge[]): Arrow[] {
  const parent = pathOf(region);
  const all = edges.flatMap((edge) => {
    const left = statesLeft(edge, region);
    const froms = isShared(edge, region) ? [anyId(parent, left)] : left;
    const to_any = edge.targets.map(pathOf);
    const [only = ""] = to_any;
    const to = to_any.length > 1 ? anyId(parent, to_any) : only;
    return froms.map((from) => {
      const from_any = isShared(edge, region) ? left : [from];
      return arrow({ from, to, from_any, to_any }, edge.transitions);
    });
  });
  return grouped(
    all,
    ({ from, to }) => [from, to],
    (a, b) => arrow(a, [...a.transitions, ...b.transitions]),
  );
}

function arrow(
  { from, to, from_any, to_any }: Pick<Arrow, "from" | "to" | "from_any" | "to_any">,
  transitions: readonly ChartTransition[],
): Arrow {
  const said = { to_any, transitions: [...transitions] };
  return { id: `${from}→${to}`, from, to, from_any, ...said, label: labelOf(saidOnce(said)) };
}
