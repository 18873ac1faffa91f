import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import type { AnyStateMachine, StateNode } from "xstate";
import { toDirectedGraph } from "xstate/graph";
import type { DirectedGraphNode } from "xstate/graph";
import { MACHINES } from "../../src/machines/core/registry.ts";

export const CHARTS_FILE = fileURLToPath(new URL("../../docs/state-charts.md", import.meta.url));

const INTRODUCTION = `# State charts

Made from the charts themselves by \`npm run docs:charts\`; a test fails when this page is stale. Events are facts
(\`subject.pastParticiple\`), decisions of the planner (\`….decided\`) and what a worker tells a container (\`process.…\`).
Brackets hold the guard: of several transitions for one event the first whose guard holds is taken. A transition without an
event is taken as soon as its guard holds. Charts do nothing themselves: \`commands\` and \`notices\` go to the core as data.
Guards and actions stand beside each chart, in \`*.guards.ts\` and \`*.assigns.ts\` where there are many.
`;

type Kind = keyof typeof MACHINES;

const ABOUT: Record<Kind, string> = {
  worker: "One VM. Each of the two regions takes every event.",
  container: "One container of the queue: three questions, a region for each.",
  supervisor:
    "The dispatcher as a whole. It decides when it is `dispatching`, and winds down when `stopping`.",
  quota: "The cloud account's quota, learned from what the cloud refuses.",
  capacity:
    "One for each key that was out of capacity; it is dropped when it is `available` again.",
  throttle:
    "Holds creates back: after a rate limit, an unknown failure, or when enough are in flight.",
};

/** `docs/state-charts.md` as the charts of this code have it. */
export async function stateChartsPage(): Promise<string> {
  const kinds = Object.keys(MACHINES) as Kind[];
  const sections = kinds.map((kind) => sectionOf(kind, MACHINES[kind]));
  const options = await resolveConfig(CHARTS_FILE);
  return format([INTRODUCTION, ...sections].join("\n\n"), { ...options, parser: "markdown" });
}

interface Edge {
  readonly sources: readonly StateNode[];
  /** Undefined: the state stays. */
  readonly target: StateNode | undefined;
  readonly events: readonly string[];
  readonly guard: string;
  readonly actions: string;
}

function sectionOf(kind: Kind, machine: AnyStateMachine): string {
  const edges = merged(edgesOf(toDirectedGraph(machine)));
  const chart = ["stateDiagram-v2", ...drawn(machine.root, edges, "  ")];
  return [
    `## ${kind}`,
    ABOUT[kind],
    "```mermaid\n" + chart.join("\n") + "\n```",
    stayingTable(edges.filter(({ target }) => !target)),
    actionsTable(edges, machine.root),
  ].join("\n\n");
}

/** The graph leaves out what is taken without an event. */
function edgesOf(node: DirectedGraphNode): Edge[] {
  const always = node.stateNode.always ?? [];
  const own = [...node.edges.map(({ transition }) => transition), ...always].flatMap((transition) =>
    (transition.target ?? [undefined]).map((target): Edge => ({
      sources: [transition.source],
      target,
      events: transition.eventType === "" ? [] : [transition.eventType],
      guard: guardText(transition.guard),
      actions: transition.actions.map(actionText).join(", "),
    })),
  );
  return [...own, ...node.children.flatMap(edgesOf)];
}

/** One edge for what several events, and then what several states of a region, have alike. */
function merged(edges: readonly Edge[]): Edge[] {
  const alike = ({ target, guard, actions }: Edge): unknown[] => [target?.id, guard, actions];
  const byEvents = grouped(
    edges,
    (edge) => [...alike(edge), edge.sources.map(({ id }) => id)],
    mergeEvents,
  );
  return grouped(
    byEvents,
    (edge) => [...alike(edge), edge.events, edge.sources[0]?.parent?.id],
    (a, b) => ({ ...a, sources: [...a.sources, ...b.sources] }),
  );
}

const mergeEvents = (a: Edge, b: Edge): Edge => ({ ...a, events: [...a.events, ...b.events] });

function grouped(
  edges: readonly Edge[],
  keyOf: (edge: Edge) => unknown[],
  merge: (a: Edge, b: Edge) => Edge,
): Edge[] {
  const groups = new Map<string, Edge>();
  for (const edge of edges) {
    const key = JSON.stringify(keyOf(edge));
    const before = groups.get(key);
    groups.set(key, before ? merge(before, edge) : edge);
  }
  return [...groups.values()];
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
  const drawnAlike = grouped(
    edges.filter(({ target }) => target?.parent === node),
    ({ sources, target, guard }) => [sources.map(({ id }) => id), target?.id, guard],
    mergeEvents,
  );
  for (const { sources, target, events, guard } of drawnAlike) {
    if (!target) continue;
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

/** `and`, `or` and `not` are functions that carry what they combine. */
function guardText(guard: unknown): string {
  if (guard === undefined) return "";
  if (typeof guard === "string") return guard;
  const { name, type, params, guards, stateValue } = guard as Record<string, unknown>;
  if (stateValue !== undefined) return `in ${JSON.stringify(stateValue)}`;
  if (Array.isArray(guards)) {
    const texts = guards.map(guardText);
    return name === "not" ? `not ${texts.join()}` : texts.join(` ${String(name)} `);
  }
  return typeof params === "string" ? `${String(type)} ${params}` : String(type);
}

function actionText(action: unknown): string {
  if (typeof action === "string") return action;
  const { type, params } = action as { type: string; params?: unknown };
  return typeof params === "string" ? `${type} "${params}"` : type;
}
