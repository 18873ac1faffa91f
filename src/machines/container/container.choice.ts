import type { ContainerSnapshot } from "./container.machine.ts";
import type { Choice, ContainerContext, ContainerEventOf } from "./container.types.ts";

const CANCELLED_BY_OPERATOR = "cancelled by an operator";

/** What the config comes to now. */
export function takeChoice(
  _context: ContainerContext,
  { choice }: ContainerEventOf<"daemon.started">,
): Partial<Choice> {
  return choice ?? {};
}

export function choiceChanged(
  { resources, instanceTypes, unfit }: ContainerContext,
  { choice }: ContainerEventOf<"daemon.started">,
): boolean {
  const before: Choice = { resources, instanceTypes, unfit };
  return JSON.stringify({ ...before, ...choice }) !== JSON.stringify(before);
}

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

/** From here on it goes the way of one that can never run: cancelled once no process of it is left (specification §4.4). */
export function takeCancel(
  _context: ContainerContext,
  { reason }: ContainerEventOf<"cancel.requested">,
): Pick<ContainerContext, "rejection"> {
  return { rejection: CANCELLED_BY_OPERATOR + (reason === "" ? "" : `: ${reason}`) };
}

/** Whether it is an operator who does not want it, and not a record that fits nowhere. */
export function isOperatorsCancel(rejection: string): boolean {
  return rejection.startsWith(CANCELLED_BY_OPERATOR);
}
