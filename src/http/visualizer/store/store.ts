import { batch, computed, signal, type ReadonlySignal } from "@preact/signals";
import type { ActorKind, Bounds } from "../../wire/common.ts";
import type { Change, RecordView } from "../../wire/record.ts";
import type { ContainerRow } from "../../wire/container.ts";
import type { AlarmRow, LimitRow } from "../../wire/limit.ts";
import type { WorkerRow } from "../../wire/worker.ts";
import type { InstanceTypeRow, StateAnswer } from "../../wire/state.ts";
import { Batch } from "./batch.ts";
import { RowTable } from "./row-table.ts";
import { UndoStack, type UndoEntry } from "./undo-stack.ts";

/** `live` follows the dispatcher; `past` stands at one record of the journal. */
export type Mode = "live" | "past";
export type Remembered = StateAnswer["scheduler"];
/** How many actors of a kind are in each state of their chart, by its path: `lifecycle.running`. */
export type StateCounts = Readonly<Record<string, number>>;

/** What a journal and its dispatcher are, whatever the moment. */
export interface Facts {
  readonly journalId: string;
  /** False for a journal file that is looked at with no dispatcher. */
  readonly isLive: boolean;
  readonly version: string;
  readonly instanceTypes: ReadonlyMap<string, InstanceTypeRow>;
  readonly waitTexts: Readonly<Record<string, string>>;
  readonly timeouts: StateAnswer["timeouts"];
}

const NO_BOUNDS: Bounds = { first_seq: 0, last_seq: 0, first_at: null, last_at: null };
const RECENT_MAX = 200;

/**
 * All that is known of one moment, live or past: rows by id, and signals for what is small. Rows are no signals, of
 * which there would be 55,000: tables tell their listeners which ids have changed, once a batch.
 */
export class Store {
  readonly workers = new RowTable<WorkerRow>((row) => row.worker_id, workerKeys);
  readonly containers = new RowTable<ContainerRow>((row) => row.container_uuid, containerKeys);
  readonly #limits = new RowTable<LimitRow>((row) => row.actor, limitKeys);

  readonly mode = signal<Mode>("live");
  /** The newest record that the rows hold, and its time; null before the first one. */
  readonly seq = signal(0);
  readonly at = signal<string | null>(null);
  readonly bounds = signal<Bounds>(NO_BOUNDS);
  readonly facts = signal<Facts | null>(null);
  readonly readOnly = signal(false);
  /** False while the dispatcher's feeds wait, since its journal has trouble. */
  readonly accepting = signal(true);
  readonly alarms = signal<readonly AlarmRow[]>([]);
  readonly missing = signal("");
  readonly scheduler = signal<Remembered>(null);
  readonly limits = signal<readonly LimitRow[]>([]);
  readonly counts = signal<Readonly<Record<ActorKind, StateCounts>>>(noCounts());
  /** Containers that wait, by reason code. */
  readonly waits = signal<StateCounts>({});
  readonly pricePerHour = signal(0);
  /** The newest records that were applied one by one, the newest last; empty after a state was loaded. */
  readonly recent = signal<readonly RecordView[]>([]);
  readonly supervisor: ReadonlySignal<string> = computed(
    () => this.limits.value.find(({ kind }) => kind === "supervisor")?.value ?? "",
  );

  readonly #batch = new Batch(() => this.#publish());
  readonly #undo = new UndoStack();
  readonly #recent: RecordView[] = [];
  #seq = 0;
  #at: string | null = null;
  #scheduler: Remembered = null;

  /** What `seq` says once the batch is over. */
  get seqNow(): number {
    return this.#seq;
  }

  /** Everything anew, as it was at one moment. */
  loadState(state: StateAnswer, mode: Mode): void {
    this.workers.load(state.workers);
    this.containers.load(state.containers);
    this.#limits.load(state.limits);
    this.#seq = state.seq;
    this.#at = state.at;
    this.#scheduler = state.scheduler;
    this.#undo.clear();
    this.#recent.length = 0;
    batch(() => {
      this.mode.value = mode;
      this.bounds.value = state.bounds;
      this.readOnly.value = state.read_only;
      this.alarms.value = state.alarms;
      this.missing.value = state.missing;
      this.facts.value = factsOf(state);
      this.#publish();
    });
  }

  /** One record further. Records that are in it already change nothing. */
  applyRecord(record: RecordView): void {
    if (record.seq <= this.#seq) return;
    const entry: UndoEntry = { seq: this.#seq, at: this.#at, scheduler: this.#scheduler, rows: [] };
    for (const change of record.changes) this.#applyChange(change, entry);
    if (record.limits) this.#scheduler = record.limits;
    this.#seq = record.seq;
    this.#at = record.at;
    // Live, nobody steps back: a state is loaded for that.
    if (this.mode.peek() === "past") this.#undo.push(entry);
    this.#recent.push(record);
    if (this.#recent.length > RECENT_MAX) this.#recent.splice(0, this.#recent.length - RECENT_MAX);
    this.#batch.schedule();
  }

  /** One record back; false when it takes a state from the server to go there. */
  undo(): boolean {
    const entry = this.#undo.pop();
    if (!entry) return false;
    for (const { kind, id, before } of entry.rows.toReversed()) this.#put(kind, id, before);
    this.#seq = entry.seq;
    this.#at = entry.at;
    this.#scheduler = entry.scheduler;
    this.#recent.pop();
    this.#batch.schedule();
    return true;
  }

  /** The journal has grown, whether or not its new records are shown. */
  noteLastRecord(seq: number, at: string): void {
    const bounds = this.bounds.peek();
    if (seq <= bounds.last_seq) return;
    const first = bounds.first_at === null ? { first_seq: seq, first_at: at } : {};
    this.bounds.value = { ...bounds, ...first, last_seq: seq, last_at: at };
  }

  #applyChange({ kind, id, row, actor }: Change, entry: UndoEntry): void {
    const key = kind === "worker" || kind === "container" ? id : actor;
    const before = this.#put(kind, key, row ?? undefined);
    entry.rows.push({ kind, id: key, before });
  }

  #put(kind: ActorKind, id: string, row: unknown): unknown {
    if (kind === "worker") return this.workers.put(id, row as WorkerRow | undefined);
    if (kind === "container") return this.containers.put(id, row as ContainerRow | undefined);
    return this.#limits.put(id, row as LimitRow | undefined);
  }

  #publish(): void {
    batch(() => {
      this.seq.value = this.#seq;
      this.at.value = this.#at;
      this.scheduler.value = this.#scheduler;
      this.recent.value = this.#recent.slice();
      const hasWorkers = this.workers.flush();
      const hasContainers = this.containers.flush();
      const hasLimits = this.#limits.flush();
      if (hasLimits) this.limits.value = [...this.#limits.values()];
      if (hasWorkers || hasContainers || hasLimits) this.#publishCounts();
    });
  }

  #publishCounts(): void {
    const workers = this.workers.tally.toObject();
    const containers = this.containers.tally.toObject();
    const limits = this.#limits.tally.toObject();
    this.counts.value = {
      ...noCounts(),
      ...byKind(limits),
      worker: part(workers, "chart/"),
      container: part(containers, "chart/"),
    };
    this.waits.value = part(containers, "wait/");
    this.pricePerHour.value = Object.entries(part(workers, "price/")).reduce(
      (sum, [price, count]) => sum + Number(price) * count,
      0,
    );
  }
}

function workerKeys(row: WorkerRow): string[] {
  const keys = [`chart/lifecycle.${row.lifecycle}`, `chart/idleBehavior.${row.idle_behavior}`];
  // What the cloud has not named yet costs nothing yet.
  if (row.instance_id !== "") keys.push(`price/${row.price}`);
  return keys;
}

function containerKeys(row: ContainerRow): string[] {
  const keys = [
    `chart/record.${row.record}`,
    `chart/operation.${row.operation}`,
    `chart/process.${row.process}`,
  ];
  if (row.wait_reason !== "") keys.push(`wait/${row.wait_reason}`);
  return keys;
}

function limitKeys({ kind, value }: LimitRow): string[] {
  return [`${kind}/${value}`];
}

/** Those whose key begins so, without that beginning. */
function part(counts: StateCounts, prefix: string): StateCounts {
  const found = Object.entries(counts).filter(([key]) => key.startsWith(prefix));
  return Object.fromEntries(found.map(([key, count]) => [key.slice(prefix.length), count]));
}

function byKind(limits: StateCounts): Partial<Record<ActorKind, StateCounts>> {
  const kinds = ["supervisor", "quota", "capacity", "throttle"] as const;
  return Object.fromEntries(kinds.map((kind) => [kind, part(limits, `${kind}/`)]));
}

function noCounts(): Record<ActorKind, StateCounts> {
  return { worker: {}, container: {}, supervisor: {}, quota: {}, capacity: {}, throttle: {} };
}

function factsOf(state: StateAnswer): Facts {
  return {
    journalId: state.journal_id,
    isLive: state.live,
    version: state.version,
    instanceTypes: new Map(state.instance_types.map((type) => [type.name, type])),
    waitTexts: state.wait_texts,
    timeouts: state.timeouts,
  };
}
