const SWEEPS = /^state=(?:Complete|Cancelled)$/;

/** Whether a kill only sweeps up a process that was still ending when the queue had its end already. */
export function isSweep({
  do: done,
  reason,
}: {
  readonly do: string;
  readonly reason: string;
}): boolean {
  return done === "kill" && sweeps(reason);
}

/** The same, of the reason of a kill. */
export function sweeps(reason: string): boolean {
  return SWEEPS.test(reason);
}

/** Nobody wanted its end: its process was only slower than its record. */
export function sweepText(reason: string): string {
  return `it had ended (${reason}), and its process was still ending`;
}
