import { isOfWorker } from "../ui/states.ts";

/** Colours of states that are no worker's lifecycle: by that state of a worker which comes nearest in meaning. */
const TONES: Readonly<Record<string, string>> = {
  // Of a container's record.
  Queued: "unknown",
  Locked: "creating",
  Running: "running",
  Complete: "idle",
  Cancelled: "shutdown",
  unlisted: "gone",
  // Of a container's process.
  absent: "quiet",
  starting: "booting",
  unkillable: "shutdown",
  exited: "idle",
  // Of our call to the API.
  none: "quiet",
  // Of an operator's wish.
  run: "quiet",
  hold: "booting",
  drain: "shutdown",
};

/** A class that gives `--c`. */
export function toneOf(state: string): string {
  return `s-${isOfWorker(state) ? state : (TONES[state] ?? "creating")}`;
}

/** The state that is nothing to look at: it is drawn pale. */
export function isQuiet(state: string): boolean {
  return TONES[state] === "quiet";
}
