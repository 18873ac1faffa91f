import type { ReadModel } from "../actors/read-model.ts";
import { ONLY } from "../machines/model/ids.ts";
import { workerState } from "../machines/core/view.ts";
import type { HoldContext } from "../machines/limits/hold.ts";
import { typeNamed, type InstanceTypes } from "./instance-types.ts";
import type { AppOptions } from "./options.ts";
import type { StatusAnswer } from "./wire/status.ts";
import { timeOrNull, wireTime } from "./wire-json.ts";

type Group = StatusAnswer["workers"][number];
type HeldLimit = StatusAnswer["limits"][number];

/** All of the dispatcher on one screen. */
export function statusView(options: AppOptions): StatusAnswer {
  const { readModel, clock, version, accepting, readOnly } = options;
  const supervisor = readModel.get("supervisor", ONLY);
  return {
    version,
    now: wireTime(clock.nowMs()),
    state: supervisor?.value ?? "standby",
    started_at: timeOrNull(supervisor?.context.startedAtMs ?? null),
    stop_reason: supervisor?.context.stopReason ?? "",
    accepting: accepting(),
    read_only: readOnly,
    seq: readModel.seq,
    journal: journalJson(options),
    alarms: options
      .alarms()
      .map(({ alarm, message, sinceMs }) => ({ alarm, message, since: wireTime(sinceMs) })),
    ...fleet(readModel, options.instanceTypes()),
    containers: queue(readModel),
    limits: limits(readModel),
    scheduler: scheduler(readModel),
  };
}

/** What the scheduler remembers (specification §6.5); null before the configuration is taken in. */
function scheduler({ limits: remembered }: ReadModel): StatusAnswer["scheduler"] {
  if (!remembered) return null;
  return {
    /** 0: no limit. */
    max_containers: remembered.maxContainers,
    instances_within_quota: remembered.instancesWithinQuota,
    last_503_at: timeOrNull(remembered.last503AtMs),
  };
}

function journalJson({ journalStats }: AppOptions): StatusAnswer["journal"] {
  const stats = journalStats();
  return {
    id: stats.id,
    records: stats.records,
    bytes: stats.bytes,
    first_seq: stats.firstSeq,
    last_seq: stats.lastSeq,
    first_at: timeOrNull(stats.firstAtMs),
    last_at: timeOrNull(stats.lastAtMs),
    checkpoints: stats.checkpoints,
  };
}

function fleet(
  readModel: ReadModel,
  types: InstanceTypes,
): Pick<StatusAnswer, "price_per_hour" | "workers"> {
  const groups = new Map<string, Group>();
  for (const { value, context } of readModel.all("worker")) {
    const state = workerState(value.lifecycle);
    const { instanceType } = context;
    const key = `${state} ${instanceType}`;
    const empty = { count: 0, hold: 0, drain: 0, price_per_hour: 0 };
    const group = groups.get(key) ?? { state, instance_type: instanceType, ...empty };
    groups.set(key, group);
    group.count++;
    if (value.idleBehavior !== "run") group[value.idleBehavior]++;
    // What the cloud has not named yet costs nothing.
    if (context.instanceId !== "")
      group.price_per_hour += typeNamed(types, instanceType)?.price ?? 0;
  }
  const workers = [...groups].sort(byKey).map(([, group]) => group);
  return {
    price_per_hour: workers.reduce((sum, group) => sum + group.price_per_hour, 0),
    workers,
  };
}

function queue(readModel: ReadModel): StatusAnswer["containers"] {
  const byState = new Map<string, number>();
  const byWaitReason = new Map<string, number>();
  for (const { value, context } of readModel.all("container")) {
    count(byState, value.record);
    if (context.waitReason !== "") count(byWaitReason, context.waitReason);
  }
  return {
    count: readModel.count("container"),
    by_state: sorted(byState).map(([state, n]) => ({ state, count: n })),
    by_wait_reason: sorted(byWaitReason).map(([reason, n]) => ({ reason, count: n })),
  };
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function sorted(counts: Map<string, number>): [string, number][] {
  return [...counts].sort(byKey);
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** What holds creates back now, until when, and why; empty when nothing does. */
function limits(readModel: ReadModel): HeldLimit[] {
  const held: HeldLimit[] = [];
  const quota = readModel.get("quota", ONLY);
  if (quota && quota.value !== "open") {
    const { untilMs, fewerThan, message } = quota.context;
    held.push({
      limit: "quota",
      state: quota.value,
      until: timeOrNull(untilMs),
      until_fewer_instances_than: fewerThan > 0 ? fewerThan : null,
      reason: message,
    });
  }
  for (const [key, { value, context }] of [...readModel.entries("capacity")].sort(byKey))
    if (value === "exhausted") held.push({ limit: "capacity", key, ...hold(value, context) });
  const throttle = readModel.get("throttle", ONLY);
  if (throttle?.value === "held")
    held.push({ limit: "throttle", ...hold(throttle.value, throttle.context) });
  return held;
}

function hold(
  state: string,
  { untilMs, message }: HoldContext,
): Pick<HeldLimit, "state" | "until" | "reason"> {
  return { state, until: timeOrNull(untilMs), reason: message };
}
