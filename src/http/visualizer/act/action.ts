import type { ContainerRow } from "../../wire/container.ts";
import type { WorkerRow } from "../../wire/worker.ts";
import type { ContainerAction, WorkerAction } from "../api/endpoints.ts";

export type Subject =
  | { readonly kind: "worker"; readonly row: WorkerRow }
  | { readonly kind: "container"; readonly row: ContainerRow };

export interface Action {
  readonly name: WorkerAction | ContainerAction;
  readonly label: string;
  /** What it does, in words. */
  readonly about: string;
  /** Something that runs, or the instance, does not survive it. */
  readonly isHarsh: boolean;
  /** Why it cannot be asked for now; "" if it can. */
  readonly barred: string;
}

/** What can be asked for, in the order of the buttons. */
export function actionsFor(subject: Subject): readonly Action[] {
  return subject.kind === "worker" ? workerActions(subject.row) : containerActions(subject.row);
}

function workerActions(row: WorkerRow): Action[] {
  const isEnding = row.lifecycle === "shutdown" || row.lifecycle === "gone";
  const ending = isEnding ? "it is being shut down already" : "";
  const already = (name: string) =>
    row.idle_behavior === name ? `it is on ${name} already` : ending;
  return [
    {
      name: "run",
      label: "Run",
      about: "It takes containers again, and is shut down when it has been idle long enough.",
      isHarsh: false,
      barred: already("run"),
    },
    {
      name: "hold",
      label: "Hold",
      about:
        "Nothing new is started on it, and it is kept, at its price, until somebody says otherwise.",
      isHarsh: false,
      barred: already("hold"),
    },
    {
      name: "drain",
      label: "Drain",
      about: "Nothing new is started on it. What runs there ends by itself; then it is shut down.",
      isHarsh: false,
      barred: already("drain"),
    },
    {
      name: "kill",
      label: "Kill",
      about: "The cloud is asked to destroy the instance now.",
      isHarsh: true,
      barred:
        row.lifecycle === "creating"
          ? "the cloud has not named it yet: drain it"
          : row.lifecycle === "gone"
            ? "it is gone"
            : "",
    },
  ];
}

function containerActions(row: ContainerRow): Action[] {
  const hasEnded = row.record === "Complete" || row.record === "Cancelled";
  return [
    {
      name: "cancel",
      label: "Cancel",
      about: "It is not started, or is stopped where it runs, and the queue gets to know why.",
      isHarsh: true,
      barred: hasEnded ? "it has ended" : "",
    },
    {
      name: "kill",
      label: "Kill its process",
      about:
        "Its process is stopped on the worker. What becomes of the container is up to the queue.",
      isHarsh: true,
      barred: row.worker_ids.length === 0 ? "no worker reports a process of it" : "",
    },
  ];
}

/** The containers whose work an action would undo. */
export function interruptedBy({ name }: Action, subject: Subject): readonly string[] {
  if (subject.kind === "worker") return name === "kill" ? subject.row.container_uuids : [];
  return subject.row.worker_ids.length > 0 ? [subject.row.container_uuid] : [];
}

export function nameOf(subject: Subject): string {
  if (subject.kind === "container") return subject.row.container_uuid;
  const { instance_id: instance, worker_id: worker } = subject.row;
  return instance === "" ? worker : instance;
}
