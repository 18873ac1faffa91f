import { PassThrough } from "node:stream";
import type { Clock } from "../actors/clock.ts";
import type { Released } from "../actors/supervisor.ts";
import { Problem } from "./problem.ts";
import { recordView } from "./record-view.ts";
import type { InstanceTypes } from "./instance-types.ts";
import type { ResetEvent, StatusEvent } from "./wire/events.ts";
import { wireJson } from "./wire-json.ts";

export interface EventHubOptions {
  /** The newest durable record when it begins. */
  readonly lastSeq: number;
  /** The newest one that there is, where that may be ahead of those that were pushed. */
  readonly newestSeq?: () => number;
  readonly instanceTypes: () => InstanceTypes;
  readonly status: () => StatusEvent;
  readonly clock: Pick<Clock, "setTimer">;
  /** Records that are kept for who comes back. */
  readonly recordsMax?: number;
  readonly clientsMax?: number;
}

interface Entry extends Released {
  /** Made once, when the first client needs it. */
  text: string | undefined;
  bytes: number;
}

interface Client {
  readonly stream: PassThrough;
  /** The newest record that it was sent. */
  seq: number;
  /** Its connection takes more. */
  ready: boolean;
  /** It was sent a record: what it misses now it was too slow for. */
  follows: boolean;
}

const RECORDS_MAX = 10_000;
/** Records and changes that are kept: old snapshots stay in memory with them. */
const WEIGHT_MAX = 200_000;
const BYTES_MAX = 32 * 1024 * 1024;
const CLIENTS_MAX = 64;
const STATUS_EVERY_MS = 5_000;
/** Events to one client between two turns of everybody else. */
const SLICE_EVENTS = 200;
/** The page had better load the state anew. */
const CHANGES_MAX = 10_000;
const CUT_AFTER_MS = 5_000;

/**
 * Durable records as server-sent events. The ring of the newest ones is every client's buffer: one whose connection takes
 * no more is not written to, and is told to start anew once the ring has left it behind.
 */
export class EventHub {
  readonly #options: EventHubOptions;
  readonly #clients = new Set<Client>();
  /** Ascending, without a gap; those before the head are dropped, and cleared away together. */
  #ring: Entry[] = [];
  #head = 0;
  #lastSeq: number;
  #weight = 0;
  #bytes = 0;
  #pumping = false;
  #closed = false;
  #cancelStatus: (() => void) | undefined;

  constructor(options: EventHubOptions) {
    this.#options = options;
    this.#lastSeq = options.lastSeq;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Records that are kept. */
  get #size(): number {
    return this.#ring.length - this.#head;
  }

  get clientsCount(): number {
    return this.#clients.size;
  }

  /** A record that has become durable. */
  push(released: Released): void {
    const { seq } = released.record;
    if (seq !== this.#lastSeq + 1) this.#forget();
    this.#lastSeq = seq;
    this.#ring.push({ ...released, text: undefined, bytes: 0 });
    this.#weight += weightOf(released);
    this.#trim();
    if (this.#clients.size > 0) this.#schedule();
  }

  /** Goes on from a later record: what is between was not read. */
  skipTo(seq: number): void {
    this.#forget();
    this.#lastSeq = seq;
    this.#schedule();
  }

  /** The events after a record; without one, from now on. Throws `Problem` when there are too many clients. */
  join(afterSeq: number | undefined): PassThrough {
    const { clientsMax = CLIENTS_MAX } = this.#options;
    if (this.#clients.size >= clientsMax) {
      const detail = `${clientsMax} clients follow already; try again later`;
      throw new Problem(503, "overloaded", detail, { "Retry-After": "10" });
    }
    const stream = new PassThrough();
    const client: Client = { stream, seq: afterSeq ?? this.#lastSeq, ready: true, follows: false };
    // A client that has gone makes an error of what is still to be written.
    stream.on("error", () => {});
    stream.on("drain", () => {
      client.ready = true;
      this.#schedule();
    });
    if (this.#closed) {
      this.#end(client, "stopping", "the dispatcher is stopping");
      return stream;
    }
    this.#clients.add(client);
    stream.on("close", () => this.leave(stream));
    this.#write(client, eventText("status", this.#options.status()));
    this.#armStatus();
    this.#schedule();
    return stream;
  }

  leave(stream: PassThrough): void {
    for (const client of this.#clients) if (client.stream === stream) this.#clients.delete(client);
    stream.destroy();
    if (this.#clients.size > 0) return;
    this.#cancelStatus?.();
    this.#cancelStatus = undefined;
  }

  close(): void {
    this.#closed = true;
    this.#cancelStatus?.();
    for (const client of [...this.#clients])
      this.#end(client, "stopping", "the dispatcher is stopping");
  }

  #forget(): void {
    this.#ring = [];
    this.#head = 0;
    this.#weight = 0;
    this.#bytes = 0;
  }

  #trim(): void {
    const { recordsMax = RECORDS_MAX } = this.#options;
    const isFull = (): boolean =>
      this.#size > recordsMax ||
      ((this.#weight > WEIGHT_MAX || this.#bytes > BYTES_MAX) && this.#size > 1);
    while (isFull()) {
      const oldest = this.#ring[this.#head] as Entry;
      this.#weight -= weightOf(oldest);
      this.#bytes -= oldest.bytes;
      this.#ring[this.#head++] = undefined as never;
    }
    if (this.#head > this.#size) {
      this.#ring = this.#ring.slice(this.#head);
      this.#head = 0;
    }
  }

  #schedule(): void {
    if (this.#pumping) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      for (const client of [...this.#clients]) this.#pump(client);
    });
  }

  #pump(client: Client): void {
    if (client.seq > this.#lastSeq) {
      const newestSeq = this.#options.newestSeq?.() ?? this.#lastSeq;
      if (client.seq > newestSeq) this.#end(client, "too-new", `the newest record is ${newestSeq}`);
      return;
    }
    for (let sent = 0; client.ready && client.seq < this.#lastSeq; sent++) {
      if (sent >= SLICE_EVENTS) return this.#schedule();
      const firstSeq = this.#lastSeq - this.#size + 1;
      const entry = this.#ring[this.#head + client.seq + 1 - firstSeq];
      if (client.seq + 1 < firstSeq || !entry) return this.#leaveBehind(client, firstSeq);
      if (entry.changes.length > CHANGES_MAX) {
        const detail = `record ${entry.record.seq} changed ${entry.changes.length} actors`;
        return this.#end(client, "too-large", detail);
      }
      client.seq++;
      client.follows = true;
      this.#write(client, this.#textOf(entry));
    }
    // Its connection takes nothing, and the ring has gone on.
    const isBehind = client.seq < this.#lastSeq - this.#size;
    if (!client.ready && isBehind) this.#leaveBehind(client, this.#lastSeq - this.#size + 1);
  }

  #leaveBehind(client: Client, firstSeq: number): void {
    const reason = client.follows ? "too-slow" : "too-old";
    this.#end(
      client,
      reason,
      `the events after record ${client.seq} are not kept, those from ${firstSeq} on are`,
    );
  }

  #textOf(entry: Entry): string {
    if (entry.text !== undefined) return entry.text;
    const { record, changes } = entry;
    const view = recordView(record, changes, this.#options.instanceTypes());
    entry.text = `id: ${record.seq}\n${eventText("record", view)}`;
    entry.bytes = entry.text.length;
    this.#bytes += entry.bytes;
    return entry.text;
  }

  #write(client: Client, text: string): void {
    if (!client.stream.write(text)) client.ready = false;
  }

  /** The last word; a connection that does not even take that is cut. */
  #end(client: Client, reason: ResetEvent["reason"], detail: string): void {
    this.#clients.delete(client);
    const { stream } = client;
    const cancel = this.#options.clock.setTimer(CUT_AFTER_MS, () => stream.destroy());
    stream.on("close", cancel);
    stream.end(eventText("reset", { reason, detail } satisfies ResetEvent));
  }

  #armStatus(): void {
    this.#cancelStatus ??= this.#options.clock.setTimer(STATUS_EVERY_MS, () => {
      this.#cancelStatus = undefined;
      const text = eventText("status", this.#options.status());
      for (const client of this.#clients) if (client.ready) this.#write(client, text);
      if (this.#clients.size > 0) this.#armStatus();
    });
  }
}

function weightOf({ record, changes }: Released): number {
  return 1 + changes.length + record.decisions.length;
}

function eventText(event: string, data: object): string {
  return `event: ${event}\ndata: ${wireJson(data)}\n\n`;
}
