import type { FactInput } from "../../../src/machines/model/fact.ts";
import { Heap } from "../../../src/actors/heap.ts";
import { makeMemoryStore, openMemoryJournal } from "../../../src/drivers/journal/memory.ts";
import { CODE_VERSION, Core } from "../../../src/machines/core/core.ts";
import type { Command } from "../../../src/machines/model/command.ts";
import type { JournalRecord } from "../../../src/machines/model/record.ts";
import { containerId, containerRecord } from "../containers.ts";
import { settings } from "../settings.ts";
import { writeJournalFile } from "./to-file.ts";

export interface BigFleetOptions {
  readonly workers: number;
  readonly containers: number;
}

export const BIG: BigFleetOptions = { workers: 5_000, containers: 50_000 };

const START_MS = 1_767_225_600_000;
const MINUTE_MS = 60_000;
const ARRIVE_WITHIN_MS = 60 * MINUTE_MS;
const RECORDS_PER_BATCH = 500;
const RECORDS_PER_CHECKPOINT = 20_000;

/** The real core's records of a fleet of that size, which answers every command well, until all of it is alive at once. */
export async function writeBigJournal(
  path: string,
  options: BigFleetOptions = BIG,
): Promise<{ records: number; atMs: number }> {
  const store = makeMemoryStore("b1g");
  const journal = openMemoryJournal(store, { checkpointsKept: 100 });
  const core = new Core(store.id);
  let batch: JournalRecord[] = [];
  const flush = async (): Promise<void> => {
    await journal.append(batch);
    batch = [];
  };
  for (const record of new BigFleet(core, options).records()) {
    batch.push(record);
    if (batch.length === RECORDS_PER_BATCH) await flush();
    if (record.seq % RECORDS_PER_CHECKPOINT !== 0) continue;
    await flush();
    await journal.saveCheckpoint({ seq: core.seq, code: CODE_VERSION, state: core.store() });
  }
  await flush();
  await journal.saveCheckpoint({ seq: core.seq, code: CODE_VERSION, state: core.store() });
  await journal.close();
  await writeJournalFile(store, path);
  return { records: core.seq, atMs: core.atMs };
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly fact: () => FactInput;
}

/** What feeds and effects would tell the core, by the clock of the facts. */
class BigFleet {
  readonly #core: Core;
  readonly #options: BigFleetOptions;
  readonly #due = new Heap<Due>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order),
  );
  readonly #processes = new Map<string, Set<string>>();
  #order = 0;
  #nowMs = START_MS;

  constructor(core: Core, options: BigFleetOptions) {
    this.#core = core;
    this.#options = options;
  }

  *records(): Generator<JournalRecord> {
    this.#begin();
    for (let next = this.#due.pop(); next; next = this.#due.pop()) {
      this.#nowMs = next.atMs;
      const { record } = this.#core.apply({ ...next.fact(), atMs: next.atMs });
      if (!record) continue;
      for (const command of record.commands) this.#answer(command);
      yield record;
    }
  }

  #in(delayMs: number, fact: () => FactInput): void {
    this.#due.push({ atMs: this.#nowMs + delayMs, order: this.#order++, fact });
  }

  #begin(): void {
    const { workers, containers } = this.#options;
    const config = settings({ maxInstances: workers, maxRunningContainersPerInstance: 2 });
    this.#in(0, () => ({ type: "config.loaded", hash: "big", settings: config }));
    this.#in(0, () => ({ type: "daemon.started", version: "0.1.0", journalId: "b1g" }));
    this.#in(0, () => ({ type: "lease.acquired" }));
    const basedOn = () => ({ basedOnSeq: this.#core.seq });
    const listStartedAtMs = START_MS;
    const list = { listStartedAtMs, instancesCount: 0 };
    this.#in(1, () => ({ type: "instances.listed", ...basedOn(), ...list }));
    this.#in(1, () => ({ type: "queue.polled", ...basedOn(), startedAtMs: START_MS }));
    for (let n = 0; n < containers; n++)
      this.#in((n * ARRIVE_WITHIN_MS) / containers, () => this.#arrives(n));
    // Enough passes for all that can start to have started: a create, a boot and a lock take a pass each.
    for (let atMs = 2; atMs < ARRIVE_WITHIN_MS + 10 * MINUTE_MS; atMs += MINUTE_MS)
      this.#in(atMs, () => ({
        type: "planner.ran",
        polledSeq: this.#core.seq,
        seen503AtMs: null,
      }));
  }

  #arrives(n: number): FactInput {
    const record = containerRecord({
      priority: String(1 + ((n * 7_919) % 1_000)),
      vcpus: 1 + (n % 4),
      createdAtMs: this.#nowMs,
    });
    return this.#ofRecord("container.added", containerId(n), { record });
  }

  #ofRecord<T>(type: T, id: string, rest: object): FactInput {
    return { type, containerId: id, basedOnSeq: this.#core.seq, ...rest } as FactInput;
  }

  #answer(command: Command): void {
    const { id: commandId } = command;
    switch (command.kind) {
      case "instance.create":
        return this.#created(commandId, command.workerId);
      case "container.lock": {
        const ids = { commandId, containerId: command.containerId };
        const result = { operation: "lock", state: "Locked", priority: null } as const;
        return this.#in(200, () => ({ type: "operation.succeeded", ...ids, ...result }));
      }
      case "process.start":
        return this.#started(commandId, command.workerId, command.containerId);
      case "instance.setTags": {
        const { workerId } = command;
        return this.#in(300, () => ({ type: "tags.saved", commandId, workerId }));
      }
      default:
        throw new Error(`the big fleet expects no ${command.kind}`);
    }
  }

  #created(commandId: string, workerId: string): void {
    const instanceId = `i-${String(this.#processes.size).padStart(6, "0")}`;
    const address = `10.${this.#processes.size >> 16}.${(this.#processes.size >> 8) & 255}.${this.#processes.size & 255}`;
    this.#processes.set(workerId, new Set());
    const ids = { commandId, workerId };
    this.#in(3_000, () => ({ type: "create.succeeded", ...ids, instanceId, address }));
    this.#in(39_000, () => ({ type: "ssh.connected", workerId }));
    this.#in(40_000, () => this.#probe(workerId));
  }

  #started(commandId: string, workerId: string, id: string): void {
    const ids = { commandId, workerId, containerId: id };
    this.#in(500, () => {
      this.#processes.get(workerId)?.add(id);
      return { type: "start.returned", ...ids, outcome: "started", error: "" };
    });
    this.#in(5_000, () => this.#probe(workerId));
    const running = { state: "Running", priority: "1" };
    this.#in(6_000, () => this.#ofRecord("container.changed", id, running));
  }

  #probe(workerId: string): FactInput {
    return {
      type: "probe.succeeded",
      workerId,
      basedOnSeq: this.#core.seq,
      startedAtMs: this.#nowMs,
      booted: true,
      containerIds: [...(this.#processes.get(workerId) ?? [])].sort(),
      broken: false,
      stale: false,
      bootError: "",
    };
  }
}
