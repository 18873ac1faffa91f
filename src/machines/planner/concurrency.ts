import type { Limits } from "../model/decision.ts";
import { QUIET_AFTER_503_MS, type Settings } from "../model/settings.ts";
import type { PlanMoment } from "./view.ts";

type LimitSettings = Pick<Settings, "initialQuotaEstimate" | "maxInstances" | "supervisorFraction">;

/** How many containers may be tried in this pass. 0 is no limit. */
export interface Concurrency {
  readonly limits: Limits;
  /**
   * For containers that have a place on an instance: what the API can bear. The quota says how many instances there may
   * be, and one instance may hold many containers.
   */
  readonly placedMax: number;
  readonly supervisorsMax: number;
}

/** What the scheduler remembers before its first pass. */
export function initialLimits(
  settings: Pick<Settings, "initialQuotaEstimate" | "maxInstances">,
): Limits {
  return {
    maxContainers:
      settings.initialQuotaEstimate > 0 ? settings.initialQuotaEstimate : settings.maxInstances,
    last503AtMs: null,
    instancesWithinQuota: 0,
  };
}

/** The limits after one step of adapting to the API's load and to the cloud's quota (specification §6.5 D). */
export function adapt(
  moment: Pick<PlanMoment, "nowMs" | "seen503AtMs" | "atQuota">,
  settings: LimitSettings,
  before: Limits,
  now: {
    readonly processesCount: number;
    readonly instancesCount: number;
    readonly atQuota: boolean;
  },
): Concurrency {
  const { nowMs, seen503AtMs } = moment;
  let { maxContainers, last503AtMs, instancesWithinQuota } = before;
  const { processesCount } = now;
  if (seen503AtMs !== null && (last503AtMs === null || seen503AtMs > last503AtMs)) {
    last503AtMs = seen503AtMs;
    maxContainers = Math.max(1, processesCount - 1);
  } else if (
    maxContainers > 0 &&
    (last503AtMs === null || nowMs - last503AtMs > QUIET_AFTER_503_MS)
  ) {
    maxContainers = Math.max(maxContainers, Math.floor((processesCount * 11) / 10) + 1);
  }
  const bearableByApi = maxContainers;

  const { instancesCount } = now;
  if (instancesWithinQuota > 0 && instancesWithinQuota < instancesCount) {
    instancesWithinQuota = instancesCount;
  }
  if (now.atQuota) {
    if (maxContainers === 0 || maxContainers > instancesCount) {
      maxContainers = Math.max(1, instancesCount);
    }
    instancesWithinQuota = instancesCount;
  } else if (instancesWithinQuota > 0 && maxContainers > instancesWithinQuota + 1) {
    maxContainers = instancesWithinQuota + 1;
  }

  const quotaIsOurs = now.atQuota ? !moment.atQuota : before.quotaIsOurs;
  const quotaKnown = now.atQuota || instancesWithinQuota > 0;
  return {
    limits: {
      maxContainers,
      last503AtMs,
      instancesWithinQuota,
      ...(quotaIsOurs === undefined ? {} : { quotaIsOurs }),
    },
    placedMax: !quotaKnown ? maxContainers : last503AtMs === null ? 0 : bearableByApi,
    supervisorsMax: supervisorsMax(maxContainers, settings.supervisorFraction),
  };
}

/** How many of them may be supervisors; 0 is no limit. */
export function supervisorsMax(maxContainers: number, fraction: number): number {
  if (maxContainers === 0 || fraction <= 0) return 0;
  return Math.max(1, Math.trunc(maxContainers * fraction));
}
