import type { ContainerRow } from "../../wire/container.ts";
import type { Lifecycle } from "../../wire/worker.ts";

/** A worker's way through life. A colour alone says nothing to many: each state has a letter too. */
export const STATE_MARKS: Readonly<
  Record<Lifecycle, { readonly letter: string; readonly about: string }>
> = {
  creating: { letter: "C", about: "asked for, and not named by the cloud yet" },
  booting: { letter: "B", about: "there, and not ready yet" },
  unknown: { letter: "?", about: "there, and not probed yet since the dispatcher started" },
  idle: { letter: "I", about: "ready, and nothing runs on it" },
  running: { letter: "R", about: "something runs on it" },
  shutdown: { letter: "S", about: "the cloud is asked to destroy it" },
  gone: { letter: "G", about: "no longer listed by the cloud" },
};

/** Of the fleet's columns, from left to right. */
export const WORKER_STATES = Object.keys(STATE_MARKS).filter(isOfWorker);

export function isOfWorker(state: string): state is Lifecycle {
  return Object.hasOwn(STATE_MARKS, state);
}

/** What a container does, in one word: what the API says, and where that leaves it open, what workers report. */
export type Phase = "waiting" | "starting" | "running" | "ending" | "ended" | "unlisted";

export function phaseOf({ record, process }: ContainerRow): Phase {
  if (record === "unlisted") return "unlisted";
  if (record === "Complete" || record === "Cancelled")
    return process === "absent" || process === "exited" ? "ended" : "ending";
  if (process === "starting") return "starting";
  if (process === "exited") return "ending";
  return process === "absent" && record !== "Running" ? "waiting" : "running";
}
