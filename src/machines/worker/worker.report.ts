import type { Settings } from "../model/settings.ts";
import type { WorkerContext } from "./worker.types.ts";

/** What a worker may report of any size, and for each vCPU; and one of a type whose size is not known. */
const REPORTED_MIN = 64;
const REPORTED_PER_VCPU = 4;
const REPORTED_UNKNOWN_TYPE = 256;

/**
 * How many processes, stale run locks included, one worker of a type may report. A runner takes a part of a vCPU at least, so
 * more than this was made up, or is the work of something that has gone wrong there.
 */
export function reportedMax({ instanceTypes }: Settings, instanceType: string): number {
  if (!Object.hasOwn(instanceTypes, instanceType)) return REPORTED_UNKNOWN_TYPE;
  const vcpus = instanceTypes[instanceType]?.vcpus ?? 0;
  return Math.max(REPORTED_MIN, REPORTED_PER_VCPU * vcpus);
}

/** What an answer of `crunch-run --list` says. */
export interface Report {
  /** In order of id. */
  readonly containerIds: readonly string[];
  readonly broken: boolean;
  readonly stale: boolean;
  /** Different processes and stale run locks that it names. */
  readonly reportedCount: number;
}

/** What is to be taken in of a report. */
export interface Heeded {
  readonly containerIds: string[];
  /** Of a report that names too many only: how many. */
  readonly reportedCount?: number;
}

/**
 * Reads a report by the limit: of one that names too many only what the worker has a process of, and beyond that no more
 * containers than it may report, of those that `isKnown`. So what truly runs there is not lost sight of, and what was made up
 * costs nothing: it becomes no fact.
 */
export function heed(
  { containerIds, reportedCount }: Report,
  { processes, instanceType }: Pick<WorkerContext, "processes" | "instanceType">,
  settings: Settings,
  isKnown: (containerId: string) => boolean,
): Heeded {
  const max = reportedMax(settings, instanceType);
  if (reportedCount <= max) return { containerIds: [...containerIds] };
  const own = containerIds.filter((id) => Object.hasOwn(processes, id));
  const others = containerIds.filter((id) => !Object.hasOwn(processes, id) && isKnown(id));
  const heeded = [...own, ...others.slice(0, Math.max(0, max - own.length))];
  return { containerIds: heeded.sort(), reportedCount };
}
