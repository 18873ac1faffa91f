import type { WaitReason } from "../model/decision.ts";
import { statusText } from "../planner/status-text.ts";

/** What the words need beside the reason; "" where it is not known. */
export interface WaitDetails {
  readonly state: string;
  readonly instanceTypes: readonly string[];
  /** Of the instance that boots for it. */
  readonly bootingType: string;
  /** The configured one. */
  readonly maxInstances: number;
}

/** The words for users (specification §6.4), but for the position in the queue: it is made when read, and not recorded. */
export function waitText(reason: WaitReason, details: WaitDetails): string {
  const { state, instanceTypes, bootingType, maxInstances } = details;
  switch (reason) {
    case "priorityZero":
      return statusText({ reason, state: state as "Queued" });
    case "booting":
      return bootingType === ""
        ? "Waiting for an instance to boot and be ready to accept work."
        : statusText({ reason, instanceType: bootingType });
    case "typeAtCapacity":
      return withoutPosition(statusText({ reason, position: 0, instanceTypes }));
    case "atMaxInstances":
      return `Waiting in queue.  The fleet is at the limit of MaxInstances ${maxInstances}.`;
    case "supervisorLimit":
    case "atQuota":
    case "atCapacity":
      return withoutPosition(statusText({ reason, position: 0 }));
    default:
      return statusText({ reason });
  }
}

function withoutPosition(text: string): string {
  return text.replace(" at position 0", "");
}
