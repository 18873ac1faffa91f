import type { ContainerSnapshot } from "../container/container.machine.ts";
import type { Wait } from "./explanation.ts";
import { limitsInForce, type Situation } from "./limits.ts";
import { endPeriod, periodFrom, type Moment } from "./spans.ts";
import { waitText } from "./wait-text.ts";

/** Changes of limits kept of one wait. */
const LIMITS_MAX = 200;

/** Why a container waited, reason by reason, with the limits that were in force meanwhile. */
export class Waits {
  readonly list: Wait[] = [];

  get current(): Wait | undefined {
    const last = this.list.at(-1);
    return last?.toSeq === null ? last : undefined;
  }

  /** Takes over what the container's machine remembers as the planner's reason. */
  follow(
    container: ContainerSnapshot,
    moment: Moment,
    situation: Situation,
    bootingType = "",
  ): void {
    const { value, context } = container;
    const { waitReason, instanceTypes } = context;
    if (this.current?.reason !== waitReason) this.end(moment);
    if (waitReason === "") return;
    if (!this.current) {
      const maxInstances = situation.core.settings?.maxInstances ?? 0;
      const details = { state: value.record, instanceTypes, bootingType, maxInstances };
      const text = waitText(waitReason, details);
      this.list.push({ reason: waitReason, text, ...periodFrom(moment), limits: [] });
    }
    this.#followLimits(moment, situation, container);
  }

  end(moment: Moment): void {
    const { current } = this;
    if (!current) return;
    endPeriod(current, moment);
    for (const limit of current.limits) endPeriod(limit, moment);
  }

  #followLimits(moment: Moment, situation: Situation, container: ContainerSnapshot): void {
    const wait = this.current as Wait;
    const inForce = limitsInForce(situation, wait.reason, container);
    for (const span of wait.limits) {
      if (span.toSeq !== null) continue;
      const same = inForce.find(
        ({ limit, key, text }) => limit === span.limit && key === span.key && text === span.text,
      );
      if (same) span.untilMs = same.untilMs;
      else endPeriod(span, moment);
    }
    for (const limit of inForce) {
      const isOpen = wait.limits.some(
        (span) =>
          span.toSeq === null &&
          span.limit === limit.limit &&
          span.key === limit.key &&
          span.text === limit.text,
      );
      if (!isOpen) wait.limits.push({ ...limit, ...periodFrom(moment) });
    }
    // The oldest ones that are over go first.
    while (wait.limits.length > LIMITS_MAX && wait.limits[0]?.toSeq !== null) wait.limits.shift();
  }
}
