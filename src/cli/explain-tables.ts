import type {
  ContainerExplanation,
  Explanation,
  Period,
  Run,
  Step,
  WorkerExplanation,
} from "../machines/explain/explanation.ts";
import { namedContainer } from "../machines/explain/names.ts";
import { runNotes } from "../machines/explain/runs.ts";
import { isSweep, sweepText } from "../machines/explain/sweep.ts";
import { formatSpan, formatTime } from "../machines/model/amounts.ts";
import { formatTable, type Column } from "./table.ts";

/** The newest ones; the JSON has more. */
const STEPS_SHOWN_MAX = 60;

export function instanceName({
  instanceType,
  instanceId,
  workerId,
}: WorkerExplanation | Run): string {
  return `${instanceType} ${instanceId || `(worker ${workerId})`}`;
}

export function waitsText({ waits }: ContainerExplanation, asOfMs: number): string {
  if (waits.length === 0) return "";
  type Row = Period & { readonly text: string };
  const rows = waits.flatMap((wait): Row[] => [
    { ...wait, text: `${wait.reason}: ${wait.text}` },
    ...wait.limits.map((limit) => ({ ...limit, text: `  while ${limit.text}` })),
  ]);
  return section<Row>("WAITED", rows, [
    ...periodColumns<Row>(asOfMs),
    { title: "WHY", text: ({ text }) => text },
  ]);
}

export function runsText(runs: readonly Run[], title: string, asOfMs: number): string {
  if (runs.length === 0) return "";
  return section<Run>(title, runs, [
    ...periodColumns<Run>(asOfMs),
    title === "RAN"
      ? { title: "INSTANCE", text: instanceName }
      : {
          title: "CONTAINER",
          text: ({ containerId, containerName }) => namedContainer(containerId, containerName),
        },
    { title: "STARTED BECAUSE", text: ({ startReason }) => startReason || "it was found running" },
    { title: "END", text: (run) => runNotes(run).join("; ") || "-" },
  ]);
}

export function lifeText(explanation: Explanation, asOfMs: number): string {
  if (explanation.kind === "container")
    return section<ContainerExplanation["life"][number]>("LIFE", explanation.life, [
      ...periodColumns<ContainerExplanation["life"][number]>(asOfMs),
      { title: "RECORD", text: ({ record }) => record },
      { title: "OPERATION", text: ({ operation }) => operation },
      { title: "PROCESS", text: ({ process }) => process },
    ]);
  return section<WorkerExplanation["life"][number]>("LIFE", explanation.life, [
    ...periodColumns<WorkerExplanation["life"][number]>(asOfMs),
    { title: "STATE", text: ({ lifecycle }) => lifecycle },
    { title: "BEHAVIOR", text: ({ idleBehavior }) => idleBehavior },
    { title: "WHY", text: ({ reason }) => reason || "-" },
  ]);
}

function periodColumns<Row extends Period>(asOfMs: number): Column<Row>[] {
  return [
    { title: "FROM", text: ({ fromAtMs }) => formatTime(fromAtMs) },
    {
      title: "FOR",
      align: "right",
      text: ({ fromAtMs, toAtMs }) => formatSpan((toAtMs ?? asOfMs) - fromAtMs),
    },
    {
      title: "SEQ",
      align: "right",
      text: ({ fromSeq, toSeq }) => `${fromSeq}-${toSeq ?? ""}`,
    },
  ];
}

function section<Row>(
  title: string,
  rows: readonly Row[],
  columns: readonly Column<Row>[],
): string {
  return `${title}\n${indented(formatTable(rows, columns))}`;
}

export function stepsText({ steps, stepsOmitted }: Explanation): string {
  const shown = steps.slice(-STEPS_SHOWN_MAX);
  const left = steps.length - shown.length + stepsOmitted;
  const before =
    left > 0 ? `, the newest ${shown.length}; --json has ${left - stepsOmitted} more` : "";
  const title = `WHAT HAPPENED (fact → decision → guard: transition → command${before})`;
  return section(title, shown, [
    { title: "SEQ", align: "right", text: ({ seq }) => String(seq) },
    { title: "TIME", text: ({ atMs }) => formatTime(atMs) },
    { title: "WHAT", text: stepText },
  ]);
}

function stepText({ fact, decisions, transitions, commands }: Step): string {
  // What a decision only makes it remember needs no second word.
  const taken = transitions
    .filter(({ to }) => to !== "" || decisions.length === 0)
    .map(({ guard, from, to }) => {
      const move = to === "" ? "" : `${lastOf(from)} ⇒ ${lastOf(to)}`;
      return [guard, move].filter((part) => part !== "").join(": ");
    })
    .filter((text) => text !== "");
  return [
    fact.text,
    ...decisions.map(({ do: done, reason }) =>
      done === "wait"
        ? `it waits: ${reason || "no longer"}`
        : isSweep({ do: done, reason })
          ? `sweep up: ${sweepText(reason)}`
          : `${done}: ${reason}`,
    ),
    ...new Set(taken),
    ...commands.map(({ kind, subject, outcome }) => `${kind} ${subject}${outcomeText(outcome)}`),
  ].join(" → ");
}

function outcomeText(outcome: Step["commands"][number]["outcome"]): string {
  if (!outcome) return "";
  if (outcome.ok) return " (done)";
  return outcome.text === "" ? " (failed)" : ` (failed: ${outcome.text})`;
}

function lastOf(stateId: string): string {
  return stateId.slice(stateId.lastIndexOf(".") + 1);
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, "  ");
}
