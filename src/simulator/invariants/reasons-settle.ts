import type { WaitReason } from "../../machines/model/decision.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import type { Change } from "../../machines/core/draft.ts";
import type { Invariant } from "./invariant.ts";

/** What keeps a container back that no instance has room for, nor is asked for. */
const KEPT_BACK: ReadonlySet<string> = new Set<WaitReason>([
  "atQuota",
  "atMaxInstances",
  "atCapacity",
]);

/**
 * How often a reason may come back for one cause: what containers in front need may turn out to be there, or not to be, since
 * an instance is ready sooner than a lock, or a lock is refused.
 */
const RETURNS_MAX = 2;
/** Over a longer time instances come, fail and go, and what keeps a container back changes in earnest with their number. */
const WITHIN_MS = 1_000;

interface Told {
  readonly reason: string;
  readonly atMs: number;
  readonly isReturn: boolean;
}

/**
 * What is recorded of why a container is kept back changes with its cause: it does not come back again and again to what
 * it was, within a second and while neither the limits nor the container have changed. An instance that comes or goes is no
 * cause.
 */
export function reasonsSettle(): Invariant {
  /** The reasons that were recorded since anything has changed that may be one; the one before comes first. */
  const toldOf = new Map<string, { readonly cause: number; readonly reasons: readonly Told[] }>();
  let cause = 0;
  const look = (record: JournalRecord, containerId: string, reason: string): string | undefined => {
    if (!KEPT_BACK.has(reason)) {
      toldOf.delete(containerId);
      return undefined;
    }
    const told = toldOf.get(containerId);
    const { atMs } = record.fact;
    const before = told?.cause === cause ? told.reasons : (told?.reasons.slice(-1) ?? []);
    const recent = before.filter((each) => atMs - each.atMs <= WITHIN_MS);
    const isReturn = recent.some((each) => each.reason === reason);
    const reasons = [...recent, { reason, atMs, isReturn }];
    toldOf.set(containerId, { cause, reasons });
    if (reasons.filter((each) => each.isReturn).length <= RETURNS_MAX) return undefined;
    const text = reasons.map((each) => each.reason).join(", then ");
    return `${containerId} waits for ${text} at seq ${record.seq}, and no limit has changed meanwhile`;
  };
  return {
    name: "reasonsSettle",
    check(event) {
      if (event.type === "daemon.killed") toldOf.clear();
      if (event.type !== "record.released") return undefined;
      const { record, changes } = event;
      if (isCause(record, changes)) cause++;
      for (const change of changes) if (hasChanged(change)) toldOf.delete(change.id);
      for (const decision of record.decisions) {
        if (decision.do !== "wait") continue;
        const text = look(record, decision.container, decision.reason);
        if (text !== undefined) return text;
      }
      return undefined;
    },
  };
}

function isCause({ fact, limits }: JournalRecord, changes: readonly Change[]): boolean {
  if (limits || fact.type === "config.loaded" || fact.type === "daemon.started") return true;
  return changes.some(({ kind }) => kind !== "worker" && kind !== "container");
}

/** Anything about it but why it waits. */
function hasChanged({ kind, before, after }: Change): boolean {
  if (kind !== "container") return false;
  return JSON.stringify(before?.value) !== JSON.stringify(after.value);
}
