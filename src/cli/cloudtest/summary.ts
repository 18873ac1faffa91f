import type { InstanceType } from "../../machines/model/instance-type.ts";
import type { StepResult } from "./step-log.ts";
import type { TestResult } from "./tester.ts";

export interface RunSummary extends TestResult {
  readonly subnetId: string | undefined;
  readonly steps: readonly StepResult[];
}

/** What `--json` prints. */
export function summaryJson(ok: boolean, type: InstanceType, runs: readonly RunSummary[]): object {
  return {
    ok,
    instance_type: type.name,
    provider_type: type.providerType,
    runs: runs.map((run) => ({
      ok: run.ok,
      subnet_id: run.subnetId ?? null,
      instance: run.instanceId,
      left: run.left,
      unknown_left: run.isUncertain,
      steps: run.steps.map(({ step, outcome, durationMs, message }) => ({
        step,
        outcome,
        duration_ms: durationMs,
        message,
      })),
    })),
  };
}
