import type { Change } from "../machines/core/draft.ts";
import type { SnapshotOf } from "../machines/core/registry.ts";
import { workerState } from "../machines/core/view.ts";
import type { Fact } from "../machines/model/fact.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { ReadModel } from "./read-model.ts";
import type { Released } from "./supervisor.ts";

type Worker = SnapshotOf["worker"];

/** Counts what durable records show (specification §12). */
export function countReleased(
  metrics: Metrics,
  readModel: ReadModel,
  { record, changes }: Released,
): void {
  metrics.core.journalRecords.inc();
  for (const change of changes)
    if (change.kind === "worker") countWorker(metrics, change, record.fact);
  const { fact } = record;
  if (fact.type !== "start.returned") return;
  const container = readModel.get("container", fact.containerId);
  if (!container) return;
  const waitedMs = fact.atMs - container.context.createdAtMs;
  metrics.scheduler.queueToCrunchRun.observe(waitedMs / 1000);
}

function countWorker({ pool }: Metrics, change: Change, { atMs }: Fact): void {
  const before = change.before as Worker | undefined;
  const { context, value } = change.after as Worker;
  // A create that was refused never was an instance.
  if (context.instanceId === "") return;
  const was = before?.context;
  if (context.bootOutcome !== null && context.bootOutcome !== was?.bootOutcome)
    pool.bootOutcomes.inc({ outcome: context.bootOutcome });
  const fresh = before?.value.lifecycle === "booting";
  if (fresh && context.sshConnectedAtMs !== null && was?.sshConnectedAtMs === null)
    pool.timeToSsh.observe((atMs - context.appearedAtMs) / 1000);
  if (fresh && context.readyAtMs !== null && was?.readyAtMs === null)
    pool.timeToReady.observe((atMs - (context.sshConnectedAtMs ?? context.appearedAtMs)) / 1000);
  if (value.lifecycle !== "gone" || !before) return;
  pool.disappeared.inc({ state: workerState(before.value.lifecycle) });
  if (context.destroyedAtMs !== null)
    pool.timeToGone.observe((atMs - context.destroyedAtMs) / 1000);
}
