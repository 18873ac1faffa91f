import type { FaultKind } from "../faults.ts";
import type { Invariant } from "./invariant.ts";

/** What a list tells is known before its record is released. */
const DELAYS_RECORDS: readonly FaultKind[] = ["journalFull", "journalSlow"];

/** A worker is asked where the last list saw it: at an older address nobody answers, and it would be given up for that. */
export function addressFollowed(): Invariant {
  const seenAt = new Map<string, string>();
  const leftBy = new Map<string, Set<string>>();
  const move = (instanceId: string, address: string): void => {
    const old = seenAt.get(instanceId);
    seenAt.set(instanceId, address);
    const left = leftBy.get(instanceId) ?? new Set<string>();
    if (old !== undefined && old !== address) left.add(old);
    left.delete(address);
    leftBy.set(instanceId, left);
  };
  return {
    name: "addressFollowed",
    check(event, { faults }) {
      if (event.type === "daemon.started") seenAt.clear();
      if (event.type === "daemon.started") leftBy.clear();
      if (event.type === "record.released" && event.record.fact.type === "instance.seen")
        move(event.record.fact.instanceId, event.record.fact.address);
      if (event.type !== "vm.missed") return undefined;
      if (DELAYS_RECORDS.some((kind) => kind in faults.plan)) return undefined;
      const { instanceId, address } = event;
      return leftBy.get(instanceId)?.has(address)
        ? `${instanceId} is asked at ${address}, and a list has shown it at ${seenAt.get(instanceId)}`
        : undefined;
    },
  };
}
