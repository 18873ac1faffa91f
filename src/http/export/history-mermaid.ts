import type { HistoryAnswer } from "../wire/actor.ts";
import { closedSpans } from "./history-spans.ts";

/** What an actor went through as a Mermaid chart of bars: a section a region, a bar a state. */
export function historyMermaid(history: HistoryAnswer): string {
  const { kind, id } = history.actor;
  const lines: string[] = [];
  let section: string | null = null;
  for (const { region, state, fromMs, toMs, isOpen } of closedSpans(history)) {
    const name = region === "" ? kind : region;
    if (name !== section) lines.push(`  section ${name}`);
    section = name;
    lines.push(`  ${state} :${isOpen ? "active, " : ""}${fromMs}, ${toMs}`);
  }
  const head = [
    "gantt",
    `  title ${kind} ${plainText(id)}`,
    "  dateFormat x",
    "  axisFormat %H:%M:%S",
  ];
  return [...head, ...lines, ""].join("\n");
}

/** Mermaid reads some signs as its own: an id from outside loses them. */
function plainText(text: string): string {
  return text.replace(/[^\w.:/@ -]/g, "_");
}
