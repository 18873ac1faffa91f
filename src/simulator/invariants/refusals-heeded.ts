import type { FactOf } from "../../machines/model/fact.ts";
import { CAPACITY_HOLD_MS, QUOTA_HOLD_MS } from "../../machines/model/settings.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** The dispatcher's clock counts whole milliseconds, the world's does not. */
const CLOCK_GRAIN_MS = 1;

/**
 * What the cloud refused is not asked for again before its time: a rate limit, a quota, a type without capacity (specification §7.6),
 * and a list, whoever wishes for one (specification §7.10).
 */
export function refusalsHeeded(): Invariant {
  let typeOf = new Map<string, string>();
  let holds: { readonly untilMs: number; readonly type?: string; readonly why: string }[] = [];
  /** A quota: closed until a list shows fewer instances than this. */
  let fewerThan = Infinity;
  let quotaUntilMs = 0;
  let listFromMs = 0;

  const begin = (): void => {
    typeOf = new Map();
    holds = [];
    fewerThan = Infinity;
    quotaUntilMs = 0;
  };
  const refused = ({ failure, workerId, atMs }: FactOf<"create.failed">, world: World): void => {
    const { code, message: why, scope, retryAtMs } = failure;
    const type = scope === "type" ? typeOf.get(workerId) : undefined;
    const othersCount = workersCount(world);
    if (code === "rateLimited" && retryAtMs !== undefined) holds.push({ untilMs: retryAtMs, why });
    if (code === "capacity")
      holds.push({ untilMs: atMs + CAPACITY_HOLD_MS, why, ...(type ? { type } : {}) });
    if (code !== "quota") return;
    // The newest refusal tells what the quota is: where there is no other instance, only time can help.
    quotaUntilMs = othersCount === 0 ? atMs + QUOTA_HOLD_MS : 0;
    fewerThan = othersCount === 0 ? Infinity : Math.min(fewerThan, othersCount);
  };
  const judge = ({ record }: RecordEvent, world: World): string | undefined => {
    const { fact, commands } = record;
    if (fact.type === "daemon.started") begin();
    if (fact.type === "instances.listed" && workersCount(world) < fewerThan) fewerThan = Infinity;
    holds = holds.filter(({ untilMs }) => untilMs > fact.atMs);
    for (const command of commands) {
      if (command.kind !== "instance.create") continue;
      const { workerId, instanceType } = command;
      typeOf.set(workerId, instanceType);
      if (fewerThan < Infinity || fact.atMs < quotaUntilMs)
        return `${workerId} is asked for, and the quota is used up`;
      const hold = holds.find(({ type }) => type === undefined || type === instanceType);
      if (hold)
        return `${workerId} is asked for ${hold.untilMs - fact.atMs} ms too soon: ${hold.why}`;
    }
    if (fact.type === "create.failed") refused(fact, world);
    return undefined;
  };
  return {
    name: "refusalsHeeded",
    check(event, world) {
      if (event.type === "daemon.started") listFromMs = 0;
      if (event.type === "list.refused") listFromMs = event.untilAtMs;
      if (event.type === "list.asked" && event.atMs < listFromMs - CLOCK_GRAIN_MS)
        return `a list is asked for ${listFromMs - event.atMs} ms too soon`;
      return event.type === "record.released" ? judge(event, world) : undefined;
    },
  };
}

function workersCount({ dispatcher }: World): number {
  return dispatcher?.supervisor.readModel.count("worker") ?? 0;
}
