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
