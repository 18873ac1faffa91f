import type { Journal } from "../drivers/journal/port.ts";
import type { Fact } from "../machines/model/fact.ts";

const CHUNK_RECORDS = 2_000;

/**
 * The worker that stood for an instance of the cloud, also when it is long gone. The index knows workers only, so the
 * records are looked through, the newest first; undefined when none of the newest `recordsMax` names it.
 */
export async function workerOfInstance(
  instanceId: string,
  options: {
    readonly journal: Journal;
    readonly recordsMax: number;
    readonly pause: () => Promise<void>;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<string | undefined> {
  const { journal, recordsMax, pause, signal } = options;
  const { firstSeq, lastSeq } = journal.stats();
  if (firstSeq === 0) return undefined;
  const oldestSeq = Math.max(firstSeq, lastSeq - recordsMax + 1);
  for (let toSeq = lastSeq; toSeq >= oldestSeq; toSeq -= CHUNK_RECORDS) {
    const fromSeq = Math.max(oldestSeq, toSeq - CHUNK_RECORDS + 1);
    for (const { fact } of journal.read({ fromSeq, toSeq })) {
      const workerId = workerIn(fact, instanceId);
      if (workerId !== undefined) return workerId;
    }
    await pause();
    signal?.throwIfAborted();
  }
  return undefined;
}

function workerIn(fact: Fact, instanceId: string): string | undefined {
  if (fact.type === "create.succeeded" && fact.instanceId === instanceId) return fact.workerId;
  if (fact.type === "instance.seen" && fact.instanceId === instanceId)
    return fact.createdBy ?? fact.instanceId;
  return undefined;
}
