import type { ContainerContext, ContainerEvent, ContainerEventOf } from "./container.types.ts";

const CANCELLED_BY_OPERATOR = "cancelled by an operator";

type Chosen = Pick<ContainerContext, "resources" | "instanceTypes" | "unfit" | "rejection">;

/** What the config comes to now. An operator's word stands, whatever fits. */
export function takeChoice(
  context: ContainerContext,
  { choice }: Pick<ContainerEvent, "choice">,
): Partial<Chosen> {
  if (!choice) return {};
  const isGivenUp = isOperatorsCancel(context.rejection);
  return isGivenUp ? { ...choice, rejection: context.rejection } : choice;
}

/** One that a start was under way of when the config changed: it cannot be started again. */
export function reject({ unfit }: ContainerContext): Partial<Chosen> {
  return { rejection: unfit };
}

export function choiceChanged(
  context: ContainerContext,
  event: Pick<ContainerEvent, "choice">,
): boolean {
  const { resources, instanceTypes, unfit, rejection } = context;
  const before: Chosen = { resources, instanceTypes, unfit, rejection };
  return JSON.stringify({ ...before, ...takeChoice(context, event) }) !== JSON.stringify(before);
}

/** From here on it goes the way of one that can never run: cancelled once no process of it is left (spec §4.4). */
export function takeCancel(
  _context: ContainerContext,
  { reason }: ContainerEventOf<"cancel.requested">,
): Partial<Chosen> {
  return { rejection: CANCELLED_BY_OPERATOR + (reason === "" ? "" : `: ${reason}`) };
}

/** Whether it is an operator who does not want it, and not a record that fits nowhere. */
export function isOperatorsCancel(rejection: string): boolean {
  return rejection.startsWith(CANCELLED_BY_OPERATOR);
}
