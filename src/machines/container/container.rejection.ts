import type { ContainerSnapshot } from "./container.machine.ts";

/**
 * Why it is not to run, since it never can here or an operator does not want it; "" where nothing speaks against it. What
 * runs, or may do so, is watched, whatever the config says now (specification §4.4).
 */
export function rejectionOf({
  value: { record, process },
  context,
}: Pick<ContainerSnapshot, "value" | "context">): string {
  const mayBeCancelled = process === "absent" && record !== "Running" && record !== "Complete";
  return context.rejection || (mayBeCancelled ? context.unfit : "");
}
