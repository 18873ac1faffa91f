import type { ContainerSnapshot } from "../container/container.machine.ts";
import type { Core } from "../core/core.ts";
import { EVERYTHING, groupKey, providerKey } from "../core/route.ts";
import type { WaitReason } from "../model/decision.ts";
import { ONLY } from "../model/ids.ts";
import type { Settings } from "../model/settings.ts";
import { supervisorsMax } from "../planner/concurrency.ts";
import type { Limit } from "./explanation.ts";

/** Which limits the planner has asked before it gives a reason (planner/schedule.ts). */
const ASKED: Record<WaitReason, readonly Limit["limit"][]> = {
  preparing: [],
  priorityZero: [],
  previousAttempt: [],
  booting: [],
  supervisorLimit: ["supervisors"],
  typeAtCapacity: ["capacity"],
  atMaxInstances: ["maxInstances", "maxContainers", "operation"],
  atQuota: ["quota", "maxInstances", "maxContainers", "operation"],
  atCapacity: ["throttle", "capacity", "maxContainers", "operation"],
};

type CoreState = Pick<Core, "registry" | "settings" | "limits">;

/** The core after a record, with how many containers run or want to. */
export interface Situation {
  readonly core: CoreState;
  readonly contendersCount: number;
}

/** What of it is in force now, as the machines have it, for a container that waits for this reason. */
export function limitsInForce(
  { core, contendersCount }: Situation,
  reason: WaitReason,
  container: ContainerSnapshot,
): Limit[] {
  const { instanceTypes } = container.context;
  const { settings } = core;
  if (!settings) return [];
  const asked = ASKED[reason];
  const found = [...dispatcher(core)];
  if (asked.includes("quota")) found.push(...quota(core));
  if (asked.includes("maxInstances")) found.push(...maxInstances(core, settings, reason));
  if (asked.includes("capacity")) found.push(...capacity(core, settings, instanceTypes));
  if (asked.includes("throttle")) found.push(...throttle(core));
  if (asked.includes("maxContainers")) found.push(...maxContainers(core, reason, contendersCount));
  if (asked.includes("supervisors")) found.push(...supervisors(core, settings));
  if (asked.includes("operation")) found.push(...operation(container));
  return found;
}

/** Nothing is decided but by a dispatcher that dispatches. */
export function dispatcher({ registry }: CoreState): Limit[] {
  const supervisor = registry.get("supervisor", ONLY);
  if (!supervisor || supervisor.value === "dispatching") return [];
  const { stopReason, staleLockDeadlineAtMs, listed, polled } = supervisor.context;
  const limit = { limit: "dispatcher", key: "", untilMs: null } as const;
  switch (supervisor.value) {
    case "standby":
      return [{ ...limit, text: "the dispatcher stands by: it may not decide yet" }];
    case "recovering": {
      const lacks = [listed ? "" : "the cloud's list", polled ? "" : "the queue"].filter(Boolean);
      const text =
        lacks.length > 0
          ? `the dispatcher has just started, and waits for ${lacks.join(" and ")}`
          : "the dispatcher has just started, and waits until every worker has answered (StaleLockTimeout)";
      return [{ ...limit, text, untilMs: staleLockDeadlineAtMs }];
    }
    case "stopping":
      return [
        { ...limit, text: `the dispatcher is stopping${stopReason ? `: ${stopReason}` : ""}` },
      ];
    default:
      return supervisor.value satisfies never;
  }
}

function quota({ registry }: CoreState): Limit[] {
  const machine = registry.get("quota", ONLY);
  if (!machine || machine.value === "open") return [];
  const { fewerThan, untilMs, message } = machine.context;
  const until = fewerThan > 0 ? ` (until there are fewer than ${fewerThan} instances)` : "";
  return [
    {
      limit: "quota",
      key: "",
      text: `the cloud refused a create for lack of quota${until}: ${message}`,
      untilMs,
    },
  ];
}

/** In force also while the place of an instance that has ended is spoken for, if the reason says so. */
function maxInstances({ registry }: CoreState, settings: Settings, reason: WaitReason): Limit[] {
  const max = settings.maxInstances;
  const isReached = reason === "atMaxInstances" || registry.size("worker") >= max;
  if (max === 0 || !isReached) return [];
  const text = `MaxInstances is ${max}: as many exist, are being created, or will be for containers in front of it`;
  return [{ limit: "maxInstances", key: "", text, untilMs: null }];
}

function capacity(
  { registry }: CoreState,
  settings: Settings,
  instanceTypes: readonly string[],
): Limit[] {
  const keys = new Set([EVERYTHING]);
  for (const name of instanceTypes) {
    const type = settings.instanceTypes[name];
    if (type) keys.add(providerKey(type)).add(groupKey(settings.quotaGroups[name] ?? ""));
  }
  return [...keys].flatMap((key): Limit[] => {
    const machine = registry.get("capacity", key);
    if (!machine) return [];
    const { untilMs, message } = machine.context;
    const what = key === EVERYTHING ? "anything" : key;
    return [
      {
        limit: "capacity",
        key,
        text: `the cloud has no capacity for ${what}: ${message}`,
        untilMs,
      },
    ];
  });
}

function throttle({ registry }: CoreState): Limit[] {
  const machine = registry.get("throttle", ONLY);
  if (machine?.value !== "held") return [];
  const { untilMs, message } = machine.context;
  return [{ limit: "throttle", key: "", text: `creates are held back: ${message}`, untilMs }];
}

/** It holds nobody back who is not one too many; at quota it follows from that, unless the API has its say. */
function maxContainers(
  { limits }: CoreState,
  reason: WaitReason,
  contendersCount: number,
): Limit[] {
  if (!limits || limits.maxContainers === 0 || contendersCount <= limits.maxContainers) return [];
  const isAtQuota = reason === "atQuota" || reason === "atMaxInstances";
  if (isAtQuota && limits.last503AtMs === null) return [];
  const text = `at most ${limits.maxContainers} containers are tried at once (${originOf(limits)})`;
  return [{ limit: "maxContainers", key: "", text, untilMs: null }];
}

/** What the scheduler remembers about where its limit comes from (specification §6.5 D). */
function originOf(limits: NonNullable<Core["limits"]>): string {
  const { last503AtMs, instancesWithinQuota, quotaIsOurs } = limits;
  const parts = [
    last503AtMs === null
      ? ""
      : `the API last answered 503 at ${new Date(last503AtMs).toISOString()}`,
    instancesWithinQuota === 0
      ? ""
      : `${instancesWithinQuota} instances were within ${quotaIsOurs ? "MaxInstances" : "the cloud's quota"}`,
  ].filter((part) => part !== "");
  return parts.join("; ") || "InitialQuotaEstimate or MaxInstances, and a tenth more than run";
}

function supervisors({ limits }: CoreState, settings: Settings): Limit[] {
  const max = supervisorsMax(limits?.maxContainers ?? 0, settings.supervisorFraction);
  if (max === 0) return [];
  const text =
    `at most ${max} workflows at once: SupervisorFraction ${settings.supervisorFraction} of ` +
    `${limits?.maxContainers ?? 0} containers`;
  return [{ limit: "supervisors", key: "", text, untilMs: null }];
}

/** The planner passes over a container while a call of ours about it is under way. */
function operation({ value, context }: ContainerSnapshot): Limit[] {
  if (value.operation === "none") return [];
  const limit = { limit: "operation", key: "" } as const;
  if (value.operation === "pausing")
    return [
      {
        ...limit,
        text: `the last call about it failed, and is not tried again at once: ${context.lastError}`,
        untilMs: context.retryAtMs,
      },
    ];
  return [{ ...limit, text: `the dispatcher was ${value.operation} it`, untilMs: null }];
}
