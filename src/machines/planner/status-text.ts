import type { ContainerState } from "../model/fact.ts";

/** Why a container waits, with what its text needs. */
export type WaitStatus =
  | { readonly reason: "" | "preparing" | "previousAttempt" }
  | { readonly reason: "priorityZero"; readonly state: ContainerState }
  | { readonly reason: "booting"; readonly instanceType: string }
  | { readonly reason: "supervisorLimit" | "atQuota" | "atCapacity"; readonly position: number }
  | {
      readonly reason: "typeAtCapacity";
      readonly position: number;
      readonly instanceTypes: readonly string[];
    };

/** The text for users, word for word as other tools know it (specification §6.4). */
export function statusText(status: WaitStatus): string {
  switch (status.reason) {
    case "":
      return "";
    case "preparing":
      return "Container is allocated to an instance and preparing to run.";
    case "previousAttempt":
      return "Waiting for previous container attempt to exit.";
    case "priorityZero":
      return `This container will not be scheduled to run because its priority is 0 and state is ${status.state}.`;
    case "booting":
      return `Waiting for a ${status.instanceType} instance to boot and be ready to accept work.`;
    case "supervisorLimit":
      return `Waiting in workflow queue at position ${status.position}.  Cluster is at capacity and cannot start any new workflows right now.`;
    case "typeAtCapacity":
      return `Waiting in queue at position ${status.position}.  Cluster is at capacity for all eligible instance types (${status.instanceTypes.join(", ")}) and cannot start a new instance right now.`;
    case "atQuota":
      return `Waiting in queue at position ${status.position}.  Cluster is at cloud account limits and cannot start any new instances right now.`;
    case "atCapacity":
      return `Waiting in queue at position ${status.position}.  Cluster is at capacity and cannot start any new instances right now.`;
  }
}
