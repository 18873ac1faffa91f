import { openJournal } from "../../drivers/journal/sqlite.ts";
import { formatMoney, formatSpan } from "../../machines/model/amounts.ts";
import { dataPaths } from "../data-dir.ts";
import { medianOf, summarize, type RunSummary } from "../summary.ts";
import { formatTable } from "../table.ts";
import type { QueuedContainer } from "../queue-api.ts";
import type { DemoJob } from "./batch.ts";

/** A job of the batch with the container that it became. */
export interface DemoContainer {
  readonly job: DemoJob;
  readonly container: QueuedContainer;
}

/** Reads the journal of the demo, also while it is being written. */
export async function readSummary(dataDir: string): Promise<RunSummary> {
  const path = dataPaths(dataDir).journal;
  const journal = openJournal({ path, mode: "read", nowMs: () => Date.now() });
  try {
    return summarize(journal.id, journal.read());
  } finally {
    await journal.close();
  }
}

/** What is not as it should be, in words; empty when all is well. */
export function faultsOf(results: readonly DemoContainer[], summary: RunSummary): string[] {
  const faults = results
    .filter(({ job, container }) => outcomeOf(container) !== expectedOf(job))
    .map(({ job, container }) => {
      const { error } = container.runtime_status;
      const found = `${outcomeOf(container)}${error ? ` (${error})` : ""}`;
      return `${job.name}: expected ${expectedOf(job)}, found ${found}`;
    });
  if (summary.difference) {
    faults.push(`the journal replays differently from seq ${summary.difference.seq} on`);
  }
  if (summary.workersGone !== summary.workersAsked) {
    faults.push(`${summary.workersAsked} workers were asked for, ${summary.workersGone} are gone`);
  }
  return faults;
}

export function reportOf(
  results: readonly DemoContainer[],
  summary: RunSummary,
  tookMs: number,
): string {
  const median = medianOf(summary.waitsMs);
  const longest = summary.waitsMs.at(-1);
  const waits =
    median === undefined || longest === undefined
      ? "nothing was started"
      : `half of them ${formatSpan(median)} at most, the longest ${formatSpan(longest)}`;
  return [
    tableOf(results),
    `containers  ${countsOf(results)}`,
    `workers     ${summary.workersAsked} asked for, ${summary.workersBooted} booted, ${summary.workersGone} destroyed and gone`,
    `waiting     ${waits}`,
    `cost        ${formatMoney(summary.cost)} at the prices of the config`,
    `journal     ${summary.recordsCount} records; decided anew, they come to the same`,
    `took        ${formatSpan(tookMs)}`,
    "",
  ].join("\n");
}

function tableOf(results: readonly DemoContainer[]): string {
  return formatTable(results, [
    { title: "NAME", text: ({ job }) => job.name },
    { title: "CONTAINER", text: ({ container }) => container.uuid },
    { title: "VCPUS", align: "right", text: ({ job }) => String(job.vcpus) },
    { title: "PRIORITY", align: "right", text: ({ job }) => String(job.priority) },
    { title: "OUTCOME", text: ({ container }) => outcomeOf(container) },
    { title: "RAN", align: "right", text: ({ container }) => ranFor(container) },
  ]);
}

function countsOf(results: readonly DemoContainer[]): string {
  const counts = new Map<string, number>();
  for (const { container } of results) {
    const outcome = outcomeOf(container);
    counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  }
  return `${results.length}: ${[...counts].map(([outcome, n]) => `${n} ${outcome}`).join(", ")}`;
}

function outcomeOf({ state, exit_code }: QueuedContainer): string {
  if (state === "Cancelled") return "cancelled";
  if (state !== "Complete") return state;
  return exit_code === 0 ? "succeeded" : `failed (exit ${exit_code})`;
}

function expectedOf({ ends }: DemoJob): string {
  if (ends === "cancelled") return ends;
  return ends.exitCode === 0 ? "succeeded" : `failed (exit ${ends.exitCode})`;
}

function ranFor({ started_at, finished_at }: QueuedContainer): string {
  if (!started_at || !finished_at) return "-";
  return formatSpan(Date.parse(finished_at) - Date.parse(started_at));
}
