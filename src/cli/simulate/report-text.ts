import type { Summary } from "../../simulator/meter.ts";
import {
  formatMoney,
  formatNumber,
  formatShare,
  formatSpan,
} from "../../machines/model/amounts.ts";
import { formatTable } from "../table.ts";
import type { Result } from "./result.ts";

/** The lines of a report: what it is called, and how it is told. */
export const ROWS: readonly { readonly title: string; text(summary: Summary): string }[] = [
  { title: "cost", text: ({ cost }) => formatMoney(cost) },
  { title: "VM-hours", text: ({ vmHours }) => formatNumber(vmHours, 2) },
  {
    title: "utilisation",
    text: ({ utilisation }) => (utilisation === null ? "-" : formatShare(utilisation)),
  },
  { title: "waiting p50", text: ({ waitMs }) => formatSpan(waitMs.p50) },
  { title: "waiting p95", text: ({ waitMs }) => formatSpan(waitMs.p95) },
  { title: "waiting max", text: ({ waitMs }) => formatSpan(waitMs.max) },
  { title: "containers", text: ({ containers }) => String(containers) },
  { title: "complete", text: ({ complete }) => String(complete) },
  { title: "cancelled", text: ({ cancelled }) => String(cancelled) },
  { title: "instances", text: ({ instances }) => String(instances) },
  { title: "instances at once", text: ({ instancesMax }) => String(instancesMax) },
  { title: "boots", text: ({ boots }) => String(boots) },
  { title: "boot failures", text: ({ bootFailures }) => String(bootFailures) },
  { title: "create failures", text: ({ createFailures }) => String(createFailures) },
  { title: "quota hits", text: ({ quotaHits }) => String(quotaHits) },
  { title: "capacity hits", text: ({ capacityHits }) => String(capacityHits) },
  { title: "took", text: ({ fromAtMs, toAtMs }) => formatSpan(toAtMs - fromAtMs) },
];

/** One column a result, side by side. */
export function reportText(results: readonly Result[]): string {
  return formatTable(ROWS, [
    { title: "", text: ({ title }) => title },
    ...results.map(({ name, summary }) => ({
      title: name,
      align: "right" as const,
      text: (row: (typeof ROWS)[number]) => row.text(summary),
    })),
  ]);
}

export function resultJson({ name, how, summary, drained }: Result): Record<string, unknown> {
  return {
    name,
    how,
    drained,
    from: new Date(summary.fromAtMs).toISOString(),
    to: new Date(summary.toAtMs).toISOString(),
    cost: summary.cost,
    vm_hours: summary.vmHours,
    utilisation: summary.utilisation,
    wait_seconds: {
      p50: summary.waitMs.p50 / 1000,
      p95: summary.waitMs.p95 / 1000,
      max: summary.waitMs.max / 1000,
    },
    containers: summary.containers,
    complete: summary.complete,
    cancelled: summary.cancelled,
    instances: summary.instances,
    instances_max: summary.instancesMax,
    boots: summary.boots,
    boot_failures: summary.bootFailures,
    create_failures: summary.createFailures,
    quota_hits: summary.quotaHits,
    capacity_hits: summary.capacityHits,
  };
}
