import type { WaitReason } from "../model/decision.ts";
import type { Resources } from "../model/instance-type.ts";
import { isSameList, isSameNeed, Kinds, type Kind } from "./kind.ts";
import { byPriority, groupOf, sortByPriority, type Group } from "./order.ts";
import { isQueuing, isWanted } from "./queue-entry.ts";
import type { Process, QueueEntry, QueueItem } from "./queue-entry.ts";
import { RecordedWaits } from "./recorded-waits.ts";
import { mayNeedSettling } from "./settle.ts";
import { SortedList } from "./sorted-list.ts";
import type { PlanContainer } from "./view.ts";

/** The containers, in the order in which they are considered and counted: kept up with every change of one. */
export class PlanQueue {
  readonly kinds = new Kinds();
  readonly recordedWaits = new RecordedWaits();
  readonly #entries = new Map<string, QueueEntry>();
  readonly #groups = [newList(), newList(), newList(), newList()] as const;
  /** Of each group. */
  readonly #supervisors = [newList(), newList(), newList(), newList()] as const;
  readonly #unsettled = new Set<QueueEntry>();
  readonly #strangers = new Set<string>();
  #processesCount = 0;
  readonly #wantedCounts = [0, 0, 0, 0];

  get(containerId: string): QueueEntry | undefined {
    return this.#entries.get(containerId);
  }

  /** Containers of which a process is known, those that the queue does not have included. */
  get processesCount(): number {
    return this.#processesCount;
  }

  /** Of the group, those that wait to run and are wanted. */
  wantedCount(group: Group): number {
    return this.#wantedCounts[group]!;
  }

  /** Those that reconciling may concern. */
  get unsettled(): ReadonlySet<QueueEntry> {
    return this.#unsettled;
  }

  /** Containers that have a process, and that the queue does not have. */
  get strangers(): ReadonlySet<string> {
    return this.#strangers;
  }

  supervisorsCount(group: Group): number {
    return this.#supervisors[group].length;
  }

  /** Valid until the next change, as all lists here that are not shared. */
  group(group: Group): readonly QueueItem[] {
    return this.#groups[group].items();
  }

  /** Stays as it is. */
  sharedGroup(group: Group): readonly QueueItem[] {
    return this.#groups[group].share();
  }

  /** Stays as it is. */
  sharedSupervisors(group: Group): readonly QueueItem[] {
    return this.#supervisors[group].share();
  }

  needOf(containerId: string): Resources | undefined {
    return this.#entries.get(containerId)?.item?.container.resources;
  }

  /** Undefined as container: the queue does not have it. Answers whether what it needs has changed by that. */
  set(
    containerId: string,
    container: PlanContainer | undefined,
    process: Process,
    waitReason: WaitReason | "",
  ): boolean {
    const before = this.#entries.get(containerId);
    const item = container && this.#itemOf(container, process, before?.item);
    const entry = { containerId, item, process, waitReason };
    if (before) this.#leave(before);
    if (item || process !== undefined) {
      this.#entries.set(containerId, entry);
      this.#enter(entry);
    } else this.#entries.delete(containerId);
    this.#place(before?.item, item);
    const [was, is] = [before?.item?.container.resources, container?.resources];
    return !(was && is ? isSameNeed(was, is) : was === is);
  }

  /** The same as before where nothing about it has changed. */
  #itemOf(container: PlanContainer, process: Process, before: QueueItem | undefined): QueueItem {
    const group = groupOf(container.state, process !== undefined);
    if (before?.group === group && isSame(before.container, container)) return before;
    const kind = before && isSameKind(before.kind, container) ? before.kind : undefined;
    if (kind) kind.containersCount++;
    const rank = Number(container.priority);
    return { container, rank, group, kind: kind ?? this.kinds.enter(container) };
  }

  #place(before: QueueItem | undefined, after: QueueItem | undefined): void {
    if (before === after) return;
    if (before) {
      this.#groups[before.group].remove(before);
      if (before.container.supervisor) this.#supervisors[before.group].remove(before);
      if (isStartable(before)) this.kinds.countLocked(before.kind, -1);
      this.kinds.leave(before.kind);
    }
    if (after) {
      this.#groups[after.group].add(after);
      if (after.container.supervisor) this.#supervisors[after.group].add(after);
      if (isStartable(after)) this.kinds.countLocked(after.kind, 1);
    }
  }

  #enter(entry: QueueEntry): void {
    const { containerId, item, process } = entry;
    if (process !== undefined) this.#processesCount++;
    if (!item) {
      this.#strangers.add(containerId);
      return;
    }
    if (isQueuing(item)) this.#wantedCounts[item.group]!++;
    if (mayNeedSettling(item.container, process)) this.#unsettled.add(entry);
    this.recordedWaits.add(entry);
  }

  #leave(entry: QueueEntry): void {
    const { containerId, item, process } = entry;
    if (process !== undefined) this.#processesCount--;
    if (!item) {
      this.#strangers.delete(containerId);
      return;
    }
    if (isQueuing(item)) this.#wantedCounts[item.group]!--;
    this.#unsettled.delete(entry);
    this.recordedWaits.remove(entry);
  }
}

function newList(): SortedList<QueueItem> {
  return new SortedList<QueueItem>(byPriority, sortByPriority);
}

function isStartable(item: QueueItem): boolean {
  return item.group === 2 && isWanted(item) && !item.container.busy;
}

function isSameKind(kind: Kind, { resources, instanceTypes }: PlanContainer): boolean {
  return isSameNeed(kind.need, resources) && isSameList(kind.instanceTypes, instanceTypes);
}

function isSame(a: PlanContainer, b: PlanContainer): boolean {
  return (
    a === b ||
    (a.state === b.state &&
      a.busy === b.busy &&
      a.priority === b.priority &&
      a.supervisor === b.supervisor &&
      a.createdAtMs === b.createdAtMs &&
      a.firstSeenAt === b.firstSeenAt &&
      a.unseenAt === b.unseenAt &&
      a.lostAt === b.lostAt &&
      isSameNeed(a.resources, b.resources) &&
      isSameList(a.instanceTypes, b.instanceTypes))
  );
}
