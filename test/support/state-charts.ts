import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import type { AnyStateMachine, StateNode } from "xstate";
import { MACHINES } from "../../src/machines/core/registry.ts";
import type { ActorKind } from "../../src/machines/model/ids.ts";
import { actionText } from "../../src/machines/transitions.ts";
import { ABOUT } from "./charts/about.ts";
import { drawnEdges, edgesOf } from "./charts/edges.ts";
import type { Edge } from "./charts/edges.ts";

export const CHARTS_FILE = fileURLToPath(new URL("../../docs/state-charts.md", import.meta.url));

const INTRODUCTION = `# State charts

Made from the charts themselves by \`npm run docs:charts\`; a test fails when this page is stale. Events are facts
(\`subject.pastParticiple\`), decisions of the planner (\`….decided\`) and what a worker tells a container (\`process.…\`).
Brackets hold the guard: of several transitions for one event the first whose guard holds is taken. A transition without an
event is taken as soon as its guard holds. Charts do nothing themselves: \`commands\` and \`notices\` go to the core as data.
Guards and actions stand beside each chart, in \`*.guards.ts\` and \`*.assigns.ts\` where there are many.
`;

/** `docs/state-charts.md` as the charts of this code have it. */
export async function stateChartsPage(): Promise<string> {
  const kinds = Object.keys(MACHINES) as ActorKind[];
  const sections = kinds.map((kind) => sectionOf(kind, MACHINES[kind]));
  const options = await resolveConfig(CHARTS_FILE);
  return format([INTRODUCTION, ...sections].join("\n\n"), { ...options, parser: "markdown" });
}

function sectionOf(kind: ActorKind, machine: AnyStateMachine): string {
  const edges = edgesOf(machine.root);
  const chart = ["stateDiagram-v2", ...drawn(machine.root, edges, "  ")];
  return [
    `## ${kind}`,
    ABOUT[kind],
    "```mermaid\n" + chart.join("\n") + "\n```",
    stayingTable(edges.filter(({ target }) => !target)),
    actionsTable(edges, machine.root),
  ].join("\n\n");
}

/** A node's states with the arrows between them. */
function drawn(node: StateNode, edges: readonly Edge[], indent: string): string[] {
  const children = Object.values(node.states);
  if (node.type === "parallel")
    return children.flatMap((region) => [
      `${indent}state "${region.key}" as ${mermaidId(region)} {`,
      ...drawn(region, edges, `${indent}  `),
      `${indent}}`,
    ]);
  const [initial] = node.initial.target ?? [];
  return [
    ...children.map((child) => `${indent}state "${child.key}" as ${mermaidId(child)}`),
    ...(initial ? [`${indent}[*] --> ${mermaidId(initial)}`] : []),
    ...arrows(node, edges, indent),
    ...children
      .filter(({ type }) => type === "final")
      .map((child) => `${indent}${mermaidId(child)} --> [*]`),
  ];
}

/** What more than two states, or all of them, have alike is drawn once, from a box that names them. */
function arrows(node: StateNode, edges: readonly Edge[], indent: string): string[] {
  const boxes = new Map<string, string>();
  const lines: string[] = [];
  for (const { sources, target, events, guard } of drawnEdges(edges)) {
    if (target.parent !== node) continue;
    const label = [events.join(", "), guard === "" ? "" : `[${guard}]`].join(" ").trim();
    const isShared = sources.length > 2 || sources.includes(node);
    for (const from of isShared ? [boxOf(node, sources, boxes)] : sources.map(mermaidId))
      lines.push(`${indent}${from} --> ${mermaidId(target)} : ${label}`);
  }
  const named = [...boxes].map(([name, id]) => `${indent}state "${name}" as ${id}`);
  return [...named, ...lines];
}

function boxOf(node: StateNode, sources: readonly StateNode[], boxes: Map<string, string>): string {
  const name = sources.includes(node) ? "any state" : sources.map(({ key }) => key).join(", ");
  const id = boxes.get(name) ?? `${mermaidId(node)}_any${boxes.size + 1}`;
  boxes.set(name, id);
  return id;
}

function stayingTable(edges: readonly Edge[]): string {
  if (edges.length === 0) return "";
  const rows = edges.map(
    ({ sources, events, guard, actions }) =>
      `| ${sources.map(placeOf).join(", ")} | ${coded(events)} | ${guard} | ${actions} |`,
  );
  return [
    "What is taken in without a change of state:",
    "",
    ...table("in | on | if | does", rows),
  ].join("\n");
}

/** What is done on the way from a state to another, and on entering and leaving one. */
function actionsTable(edges: readonly Edge[], root: StateNode): string {
  const onTheWay = edges
    .filter(({ target, actions }) => target && actions !== "")
    .map(
      ({ sources, target, events, guard, actions }) =>
        `| ${sources.map(placeOf).join(", ")} → ${target?.key} | ${coded(events)} | ${guard} | ${actions} |`,
    );
  const rows = [...onTheWay, ...doors(root)];
  if (rows.length === 0) return "";
  return [
    "What is done with a change of state:",
    "",
    ...table("change | on | if | does", rows),
  ].join("\n");
}

function doors(node: StateNode): string[] {
  const row = (verb: string, actions: readonly unknown[]): string[] =>
    actions.length === 0
      ? []
      : [`| ${verb} ${node.key} | | | ${actions.map(actionText).join(", ")} |`];
  const inner = Object.values(node.states).flatMap(doors);
  return [...row("enter", node.entry), ...row("leave", node.exit), ...inner];
}

function table(head: string, rows: readonly string[]): string[] {
  const columns = head.split("|").length;
  return [`| ${head} |`, `|${" --- |".repeat(columns)}`, ...rows];
}

const coded = (events: readonly string[]): string =>
  events.map((event) => `\`${event}\``).join(", ");

const placeOf = (node: StateNode): string => {
  if (Object.keys(node.states).length === 0) return node.key;
  return node.parent ? `any state of ${node.key}` : "any state";
};

const mermaidId = (node: StateNode): string => node.path.join("_") || node.key;
