import { fileURLToPath } from "node:url";
import { format, resolveConfig } from "prettier";
import type { AnyStateMachine, StateNode } from "xstate";
import { chartMermaid } from "../../src/http/export/chart-mermaid.ts";
import { MACHINES } from "../../src/machines/core/registry.ts";
import type { ActorKind } from "../../src/machines/model/ids.ts";
import { ABOUT } from "./charts/about.ts";
import { actionText, edgesOf, namedTogether } from "./charts/edges.ts";
import type { Edge } from "./charts/edges.ts";
import { regionsOf } from "./charts/graph.ts";

export const CHARTS_FILE = fileURLToPath(new URL("../../docs/state-charts.md", import.meta.url));

const INTRODUCTION = `# State charts

Made from the charts themselves by \`npm run docs:charts\`; a test fails when this page is stale. Events are facts
(\`subject.pastParticiple\`), decisions of the planner (\`….decided\`) and what a worker tells a container (\`process.…\`).
Brackets hold the guard: of several transitions for one event the first whose guard holds is taken. A transition without an
event is taken as soon as its guard holds. An arrow to several states leads to the one that its guard names. Charts do nothing themselves: \`commands\` and \`notices\` go to the core as data.
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
  const regions = regionsOf(machine, edges);
  const mermaid = chartMermaid({
    kind,
    nodes: regions.flatMap(({ box, nodes }) => [box, ...nodes]),
    edges: regions.flatMap(({ arrows }) => arrows),
  });
  return [
    `## ${kind}`,
    ABOUT[kind],
    "```mermaid\n" + mermaid + "```",
    stayingTable(edges.filter(({ target }) => !target)),
    actionsTable(edges, machine.root),
  ].join("\n\n");
}

function stayingTable(edges: readonly Edge[]): string {
  if (edges.length === 0) return "";
  const rows = edges.map(
    ({ sources, events, guard, actions }) =>
      `| ${sources.map(placeOf).join(", ")} | ${coded(events)} | ${guard} | ${actions.join(", ")} |`,
  );
  return [
    "What is taken in without a change of state:",
    "",
    ...table("in | on | if | does", rows),
  ].join("\n");
}

/** What is done on the way from a state to another, and on entering and leaving one. */
function actionsTable(edges: readonly Edge[], root: StateNode): string {
  const done = edges.filter(({ target, actions }) => target && actions.length > 0);
  const onTheWay = namedTogether(done).map((alike) => {
    const [{ sources, events, guard, actions }] = alike as [Edge];
    const to = alike.map(({ target }) => target?.key).join(" or ");
    const once = alike.length > 1 ? `${guard.slice(0, guard.lastIndexOf(" "))} that one` : guard;
    return `| ${sources.map(placeOf).join(", ")} → ${to} | ${coded(events)} | ${once} | ${actions.join(", ")} |`;
  });
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
