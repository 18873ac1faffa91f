import { signal } from "@preact/signals";
import type { ResetEvent, StatusEvent } from "../../wire/events.ts";
import type { RecordView } from "../../wire/record.ts";
import { browserNowMs } from "../clock.ts";
import { ApiError, type ApiClient } from "./api-client.ts";
import { EventParser, type ServerEvent } from "./event-parser.ts";
import { quoteLongPriorities } from "./wire-text.ts";

export interface FeedHandlers {
  readonly onRecords: (records: RecordView[]) => void;
  readonly onStatus: (status: StatusEvent) => void;
  /** What was missed cannot be sent: load the state again, then start anew. */
  readonly onReset: (reset: ResetEvent) => void;
  /** The token is no longer good. */
  readonly onRefused: (error: ApiError) => void;
}

/** `idle`: not asked for; `waiting`: between two tries. */
export type Connection = "idle" | "connecting" | "open" | "waiting";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
/** The dispatcher says something every few seconds; a line that is silent for so long is dead. */
const SILENCE_MS = 30_000;

/** The stream of records: reads it, and takes it up again where it broke off. */
export class LiveFeed {
  readonly connection = signal<Connection>("idle");
  /** When something was last heard, by the browser's clock. */
  readonly lastNewsMs = signal(browserNowMs());
  readonly #api: ApiClient;
  readonly #handlers: FeedHandlers;
  #after = 0;
  #waitMs = FIRST_WAIT_MS;
  #stop = new AbortController();

  constructor(api: ApiClient, handlers: FeedHandlers) {
    this.#api = api;
    this.#handlers = handlers;
  }

  /** Follows what comes after record `after`, until `stop`. */
  start(after: number): void {
    this.stop();
    this.#after = after;
    this.#stop = new AbortController();
    void this.#run(this.#stop.signal);
  }

  stop(): void {
    this.#stop.abort();
    this.connection.value = "idle";
  }

  async #run(stopped: AbortSignal): Promise<void> {
    while (!stopped.aborted) {
      this.connection.value = "connecting";
      try {
        await this.#follow(stopped);
      } catch (error) {
        if (error instanceof ApiError && error.isRefused) return this.#handlers.onRefused(error);
        // Whatever else it was, the way out is to try again.
      }
      if (stopped.aborted) return;
      this.connection.value = "waiting";
      await delay(this.#waitMs, stopped);
      this.#waitMs = Math.min(this.#waitMs * 2, LONGEST_WAIT_MS);
    }
  }

  async #follow(stopped: AbortSignal): Promise<void> {
    const silent = new AbortController();
    const signal = AbortSignal.any([stopped, silent.signal]);
    let watchdog = setTimeout(() => silent.abort(), SILENCE_MS);
    try {
      const response = await this.#api.open(`events?after=${this.#after}`, {
        headers: { Accept: "text/event-stream" },
        signal,
      });
      const parser = new EventParser();
      const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
      while (reader) {
        const { done, value } = await reader.read();
        if (done) return;
        clearTimeout(watchdog);
        watchdog = setTimeout(() => silent.abort(), SILENCE_MS);
        this.#heard();
        if (this.#take(parser.push(value))) return;
      }
    } finally {
      clearTimeout(watchdog);
      silent.abort();
    }
  }

  #heard(): void {
    this.lastNewsMs.value = browserNowMs();
    this.connection.value = "open";
    this.#waitMs = FIRST_WAIT_MS;
  }

  /** Records of one piece go on together; true when the stream ends here. */
  #take(events: readonly ServerEvent[]): boolean {
    const records: RecordView[] = [];
    for (const { type, data } of events) {
      const value: unknown = JSON.parse(quoteLongPriorities(data));
      if (type === "record") records.push(value as RecordView);
      else if (type === "status") this.#handlers.onStatus(value as StatusEvent);
      else if (type === "reset") {
        this.stop();
        this.#handlers.onReset(value as ResetEvent);
        return true;
      }
    }
    const last = records.at(-1);
    if (last) {
      this.#after = last.seq;
      this.#handlers.onRecords(records);
    }
    return false;
  }
}

function delay(ms: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
