import type { AnySnapshot } from "../../machines/core/registry.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/**
 * A process that ended is judged by a record that was read after its end (specification §4.2), and by no older one: by when its
 * poll truly began.
 */
export function recordNewerThanExit(): Invariant {
  const exitedSeq = new Map<string, number>();
  /** When the newest poll truly began that has come through. */
  let beganSeq = 0;
  const judge = ({ record }: RecordEvent): string | undefined => {
    if (record.fact.type !== "planner.ran") return undefined;
    const { polledSeq } = record.fact;
    if (polledSeq > beganSeq)
      return `the newest poll is said to have begun at seq ${polledSeq}, and began at ${beganSeq}`;
    for (const decision of record.decisions) {
      if (decision.do !== "requeue" && decision.do !== "cancel") continue;
      const endedSeq = exitedSeq.get(decision.container);
      if (endedSeq !== undefined && polledSeq < endedSeq)
        return `${decision.container} ended at seq ${endedSeq} and is judged (${decision.do}) by a poll of seq ${polledSeq}`;
    }
    return undefined;
  };
  /** What a lost or an older journal does not hold has not happened for this run, and its numbers are given anew. */
  const forgetBeyond = (lastSeq: number): void => {
    for (const [id, seq] of exitedSeq) if (seq > lastSeq) exitedSeq.delete(id);
  };
  return {
    name: "recordNewerThanExit",
    check(event, world) {
      if (event.type === "daemon.started") {
        beganSeq = 0;
        forgetBeyond(world.journal?.lastSeq ?? 0);
      }
      if (event.type === "queue.polled") beganSeq = Math.max(beganSeq, event.beganSeq);
      if (event.type !== "record.released") return undefined;
      const wrong = judge(event);
      for (const { kind, id, before, after } of event.changes) {
        if (kind !== "container") continue;
        if (!hasExited(after) && !awaitsRecord(after)) exitedSeq.delete(id);
        // One that had ended before did so in a record that a crash kept from being released.
        else if (hasExited(after) && !hasExited(before) && !exitedSeq.has(id))
          exitedSeq.set(id, event.record.seq);
      }
      return wrong;
    },
  };
}

function hasExited(snapshot: AnySnapshot | undefined): boolean {
  return valueOf(snapshot).process === "exited";
}

/** Whatever has cleared the exit: by the record that is known it may still be running. */
function awaitsRecord(snapshot: AnySnapshot): boolean {
  const { process, record } = valueOf(snapshot);
  return process === "absent" && (record === "Locked" || record === "Running");
}

function valueOf(snapshot: AnySnapshot | undefined): { process?: string; record?: string } {
  return (snapshot?.value ?? {}) as { process?: string; record?: string };
}
