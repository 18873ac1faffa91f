import type { ContainerEnd, ContainerRecord } from "../../../machines/model/fact.ts";
import type { QueuePoll, RejectedRow } from "../port.ts";
import type { ArvadosClient } from "./client.ts";
import { protocolError } from "./failure.ts";
import type { Params } from "./params.ts";
import { ENDED_SELECT, readRow, SELECT } from "./record.ts";

const CONTAINERS = "/arvados/v1/containers";
const PAGE_LIMIT = 1000;
/** Enough of the queue's top, supervisors not counted (specification §4.3). */
const AVAILABLE_TARGET = 100;
const MISSING_BATCH = 20;
const MISMATCH = "server response did not match requested filters";

type Filter = readonly [attribute: string, operator: string, operand: unknown];

interface Page {
  readonly rows: number;
  /** Ids in this page, in order, those of unreadable rows too. */
  readonly containerIds: readonly string[];
}

export interface PollOptions {
  readonly client: ArvadosClient;
  readonly signal: AbortSignal;
  /** What to select beside what the original does. */
  readonly extras: readonly string[];
}

export interface ControllerPoll extends QueuePoll {
  /** How often each has been locked, where that was asked for. */
  readonly lockCounts: ReadonlyMap<string, number>;
}

/** One poll cycle (specification §4.3). Throws what the client throws, and `QueueError` for an answer that makes no sense. */
export async function pollContainers(
  authId: string,
  open: Iterable<string>,
  options: PollOptions,
): Promise<ControllerPoll> {
  const poll = makeCollector(options);
  await poll.byId({ limit: PAGE_LIMIT }, [["locked_by_uuid", "=", authId]]);
  await poll.available();
  const missing = new Set<string>();
  for (const containerId of open) if (!poll.has(containerId)) missing.add(containerId);
  const deleted = await poll.missing(missing);
  return { ...poll.result, deleted, namelessRows: poll.namelessRows() };
}

function makeCollector({ client, signal, extras }: PollOptions) {
  const select = [...SELECT, ...extras];
  const entries = new Map<string, ContainerRecord>();
  const ends = new Map<string, ContainerEnd>();
  const lockCounts = new Map<string, number>();
  const rejected = new Map<string, RejectedRow>();
  let namelessRows = 0;

  async function fetchPage(params: Params): Promise<Page> {
    const answer = await client.request("GET", CONTAINERS, params, { signal });
    const items = (answer as { items?: unknown } | null)?.items;
    if (!Array.isArray(items))
      throw protocolError(`GET ${CONTAINERS}: the answer has no list of items`);
    const containerIds: string[] = [];
    for (const item of items) {
      const row = readRow(item);
      if (row === undefined) {
        namelessRows += 1;
        continue;
      }
      containerIds.push(row.containerId);
      // Later results override earlier ones.
      entries.delete(row.containerId);
      rejected.delete(row.containerId);
      ends.delete(row.containerId);
      if ("record" in row) {
        entries.set(row.containerId, row.record);
        if (row.end) ends.set(row.containerId, row.end);
        if (row.lockCount !== undefined) lockCounts.set(row.containerId, row.lockCount);
      } else rejected.set(row.containerId, row.rejected);
    }
    return { rows: items.length, containerIds };
  }

  /** All pages in order of id. */
  async function byId(params: Params, filters: readonly Filter[]): Promise<string[]> {
    const found: string[] = [];
    let last = "";
    for (;;) {
      const after: Filter[] = last === "" ? [] : [["uuid", ">", last]];
      const all = { select, ...params, order: "uuid", count: "none" };
      const page = await fetchPage({ ...all, filters: [...filters, ...after] });
      if (page.rows === 0) return found;
      const next = page.containerIds.at(-1);
      // Also where a page has nothing but nameless rows: there is no way on from there.
      if (next === undefined || next <= last) throw protocolError(MISMATCH);
      found.push(...page.containerIds);
      last = next;
    }
  }

  async function available(): Promise<void> {
    const seen = new Set<string>();
    const filters: Filter[] = [
      ["state", "=", "Queued"],
      ["priority", ">", "0"],
    ];
    const params = {
      select,
      order: "priority desc",
      limit: PAGE_LIMIT,
      count: "none",
      filters,
    };
    let counted = 0;
    for (let offset = 0; counted < AVAILABLE_TARGET;) {
      const page = await fetchPage({ ...params, offset });
      offset += page.rows;
      const fresh = page.containerIds.filter((containerId) => !seen.has(containerId));
      // An empty page is the end; so is one that only repeats, or it would never end.
      if (fresh.length === 0) return;
      for (const containerId of fresh) {
        seen.add(containerId);
        if (entries.get(containerId)?.supervisor !== true) counted += 1;
      }
    }
  }

  async function missing(wanted: Set<string>): Promise<Set<string>> {
    const deleted = new Set<string>();
    while (wanted.size > 0) {
      const batch = [...wanted].slice(0, MISSING_BATCH);
      const found = await byId({ select: [...ENDED_SELECT, ...extras] }, [["uuid", "in", batch]]);
      // The only case that proves a deletion: a short page may be due to a limit on the response's size.
      if (found.length === 0) for (const containerId of batch) deleted.add(containerId);
      if (found.some((containerId) => !batch.includes(containerId))) throw protocolError(MISMATCH);
      for (const containerId of found.length === 0 ? batch : found) wanted.delete(containerId);
    }
    return deleted;
  }

  return {
    result: { entries, ends, rejected, lockCounts },
    has: (containerId: string) => entries.has(containerId) || rejected.has(containerId),
    namelessRows: () => namelessRows,
    byId,
    available,
    missing,
  };
}
