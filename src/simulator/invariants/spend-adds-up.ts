import type { Invariant } from "./invariant.ts";

const HOUR_MS = 3_600_000;

/** What is spent, as a running sum over the fleet, is the sum over VMs of their time by their price. */
export function spendAddsUp(): Invariant {
  const vms = new Map<string, { fromAtMs: number; pricePerHour: number }>();
  let rate = 0;
  let runningSum = 0;
  let sumOfVms = 0;
  let atMs = 0;
  return {
    name: "spendAddsUp",
    check(event) {
      runningSum += (rate * (event.atMs - (atMs || event.atMs))) / HOUR_MS;
      atMs = event.atMs;
      if (event.type === "vm.created") {
        vms.set(event.instanceId, { fromAtMs: atMs, pricePerHour: event.pricePerHour });
        rate += event.pricePerHour;
      }
      const vm = event.type === "vm.ended" ? vms.get(event.instanceId) : undefined;
      if (vm && event.type === "vm.ended") {
        vms.delete(event.instanceId);
        rate -= vm.pricePerHour;
        sumOfVms += (vm.pricePerHour * (atMs - vm.fromAtMs)) / HOUR_MS;
      }
      return undefined;
    },
    checkEnd: () =>
      Math.abs(runningSum - sumOfVms) < 1e-6 * Math.max(1, sumOfVms)
        ? undefined
        : `spent ${runningSum}, and the VMs cost ${sumOfVms}`,
  };
}
