import type {
  Because,
  ContainerExplanation,
  Explanation,
  WorkerExplanation,
} from "../machines/explain/explanation.ts";
import { namedContainer } from "../machines/explain/names.ts";
import { formatMoney, formatSize, formatSpan, formatTime } from "../machines/model/amounts.ts";
import { instanceName, lifeText, runsText, stepsText, waitsText } from "./explain-tables.ts";

/** An explanation for people: the answer on the first lines, then what it rests on. */
export function explanationText(explanation: Explanation, source: string): string {
  const { asOfMs } = explanation.coverage;
  const parts = [
    answerText(explanation, asOfMs),
    explanation.kind === "container"
      ? containerFacts(explanation, source)
      : workerFacts(explanation, source),
    ...(explanation.kind === "container"
      ? [waitsText(explanation, asOfMs), runsText(explanation.runs, "RAN", asOfMs)]
      : [runsText(explanation.runs, "RAN ON IT", asOfMs)]),
    lifeText(explanation, asOfMs),
    stepsText(explanation),
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function answerText(subject: Explanation, asOfMs: number): string {
  const { answer } = subject;
  const name =
    subject.kind === "container"
      ? namedContainer(subject.containerId, subject.name)
      : instanceName(subject);
  const since =
    answer.sinceMs === null
      ? ""
      : `  ${isOver(subject) ? "at" : "since"} ${formatTime(answer.sinceMs)}, ${formatSpan(asOfMs - answer.sinceMs)} ago\n`;
  const until = answer.untilMs === null ? "" : `  ${untilText(answer.untilMs, asOfMs)}\n`;
  const because = answer.because
    .map((each) => `  - ${oneLine(becauseText(each, asOfMs))}\n`)
    .join("");
  return `${oneLine(`${name} ${answer.text}`)}\n${since}${until}${because}`;
}

function isOver(subject: Explanation): boolean {
  if (!subject.known) return true;
  return subject.kind === "container" && ["Complete", "Cancelled"].includes(subject.record);
}

function untilText(untilMs: number, asOfMs: number): string {
  const left = untilMs - asOfMs;
  return left > 0
    ? `until ${formatTime(untilMs)}, in ${formatSpan(left)}`
    : `until ${formatTime(untilMs)}, ${formatSpan(-left)} ago`;
}

function becauseText({ text, seq, atMs, untilMs }: Because, asOfMs: number): string {
  const when = [
    atMs === null ? "" : formatTime(atMs),
    seq === null ? "" : `seq ${seq}`,
    untilMs === null ? "" : untilText(untilMs, asOfMs),
  ].filter((part) => part !== "");
  return `${text}${when.length > 0 ? `  [${when.join(", ")}]` : ""}`;
}

function containerFacts(explanation: ContainerExplanation, source: string): string {
  const { record, givenPriority, instanceTypes, supervisor, firstSeenAtMs } = explanation;
  const types = instanceTypes.length > 0 ? instanceTypes.join(", ") : "none";
  return lines([
    ["Container", `${record || "-"}, priority ${givenPriority}${supervisor ? ", a workflow" : ""}`],
    ["Needs", needsText(explanation)],
    ["Types", types],
    ["First seen", formatTime(firstSeenAtMs)],
    ...coverageLines(explanation, source),
  ]);
}

/** What it asks for, as it was given; what an instance has to have for that is more. */
function needsText({ asked, resources }: ContainerExplanation): string {
  const { vcpus, ram, scratch, gpus } = resources;
  const wanted = asked?.ram ?? ram;
  return [
    `${vcpus} VCPU${vcpus === 1 ? "" : "s"}`,
    `${formatSize(wanted)} RAM${wanted === ram ? "" : ` (a type with ${formatSize(ram)} or more)`}`,
    ...(scratch > 0 ? [`${formatSize(scratch)} scratch`] : []),
    ...(gpus > 0 ? [`${gpus} GPUs`] : []),
  ].join(", ");
}

function workerFacts(explanation: WorkerExplanation, source: string): string {
  const { boot, cost, workerId, lifecycle, idleBehavior, gone, providerType } = explanation;
  const { askedForAtMs } = boot;
  const after = (atMs: number | null) =>
    atMs === null ? "-" : `after ${formatSpan(atMs - askedForAtMs)}`;
  const errors = boot.errors.length > 0 ? `, failed probes: ${boot.errors.length}` : "";
  const boots =
    `${explanation.created ? "asked for" : "found"} ${formatTime(askedForAtMs)}, named ${after(boot.appearedAtMs)}, ` +
    `SSH ${after(boot.sshConnectedAtMs)}, ready ${after(boot.readyAtMs)}${boot.outcome ? ` (${boot.outcome})` : ""}${errors}`;
  const existed =
    cost.fromAtMs === null
      ? "nothing: the cloud never named it"
      : `${formatMoney(cost.amount)}${cost.toAtMs === null ? " so far" : ""}: ${formatSpan((cost.toAtMs ?? explanation.coverage.asOfMs) - cost.fromAtMs)} at ${formatMoney(cost.pricePerHour)} an hour`;
  return lines([
    [
      "Worker",
      `${workerId}, provider type ${providerType}, ${gone ? "gone" : lifecycle}, ${idleBehavior}`,
    ],
    ["Boot", boots],
    ["Cost", existed],
    ...coverageLines(explanation, source),
  ]);
}

function coverageLines({ coverage }: Explanation, source: string): [string, string][] {
  const { fromSeq, toSeq, asOfMs, missing } = coverage;
  const read = toSeq < fromSeq ? "a checkpoint" : `records ${fromSeq} to ${toSeq}`;
  return [
    ["Journal", `${source}, ${read}, as of ${formatTime(asOfMs)}`],
    ...(missing === "" ? [] : [["Missing", missing] as [string, string]]),
  ];
}

function lines(entries: readonly (readonly [string, string])[]): string {
  return entries.map(([name, text]) => `${name.padEnd(11)} ${oneLine(text)}\n`).join("");
}

/** Texts from outside can neither break the lines nor steer the terminal. */
function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
