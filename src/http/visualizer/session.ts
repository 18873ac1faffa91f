import { computed, effect, signal } from "@preact/signals";
import type { StatusEvent } from "../wire/events.ts";
import type { RecordView } from "../wire/record.ts";
import { ApiClient, ApiError } from "./api/api-client.ts";
import { getState } from "./api/endpoints.ts";
import { LiveFeed, type Connection } from "./api/live-feed.ts";
import { clockOffsetMs, noteServerTime, tickMs } from "./clock.ts";
import { navigate, route } from "./routing.ts";
import { Store } from "./store/store.ts";

/** `login`: no token yet, or one that is no longer good. */
export type Phase = "login" | "loading" | "ready";

const RETRY_MS = 2000;

/** What the page shows: every view reads it, only the session writes it. */
export const store = new Store();

/**
 * Whom the page talks to and which moment it shows. The address decides about the moment (`at`): `showMoment` and
 * `goLive` only change that.
 */
class Session {
  readonly phase = signal<Phase>("login");
  /** Why nothing is shown, or why the moment that was asked for is not; "" for no trouble. */
  readonly trouble = signal("");
  readonly connection = signal<Connection>("idle");
  readonly lastNewsMs = signal(0);
  #api: ApiClient | null = null;
  #feed: LiveFeed | null = null;
  /** Counts loads: an answer that comes after the next question is for nobody. */
  #load = 0;
  /** The `at` that is shown or being loaded. */
  #shownAt = "";

  /** For requests of views; throws when nobody is logged in, which no view can be then. */
  get api(): ApiClient {
    if (!this.#api) throw new Error("nobody is logged in");
    return this.#api;
  }

  /** Tries the token; what is wrong with it stands in `trouble`. */
  async logIn(token: string): Promise<void> {
    const api = new ApiClient(token);
    this.#api = api;
    this.#feed = new LiveFeed(api, {
      onRecords: (records) => this.#takeRecords(records),
      onStatus: (status) => this.#takeStatus(status),
      onReset: () => void this.#show(""),
      onRefused: (error) => this.logOut(error.message),
    });
    const { connection, lastNewsMs } = this.#feed;
    effect(() => void (this.connection.value = connection.value));
    effect(() => void (this.lastNewsMs.value = lastNewsMs.value));
    await this.#show(route.peek().query["at"] ?? "");
  }

  logOut(trouble = ""): void {
    this.#load += 1;
    this.#feed?.stop();
    this.#feed = null;
    this.#api = null;
    this.phase.value = "login";
    this.trouble.value = trouble;
  }

  /** Follows the address: nothing happens where the rows stand there already. */
  follow(at: string): void {
    if (this.phase.peek() === "login") return;
    if (at !== this.#shownAt && at !== `${store.seq.peek()}`) void this.#show(at);
  }

  /** The rows were moved to a record one by one: the address follows, and nothing is loaded. */
  standAt(seq: number): void {
    this.#load += 1;
    this.#shownAt = `${seq}`;
    navigate({ query: { at: this.#shownAt } }, { replace: true });
  }

  async #show(at: string): Promise<void> {
    const load = (this.#load += 1);
    const api = this.api;
    this.#shownAt = at;
    if (this.phase.peek() === "login") this.phase.value = "loading";
    this.trouble.value = "";
    try {
      const state = await getState(api, at);
      if (load !== this.#load) return;
      noteServerTime(state.now);
      // A journal file has no present: its last record is a moment as any other.
      const isPast = at !== "" || !state.live;
      store.loadState(state, isPast ? "past" : "live");
      this.phase.value = "ready";
      if (state.live) this.#feed?.start(isPast ? state.bounds.last_seq : state.seq);
    } catch (error) {
      if (load === this.#load) this.#failed(at, error);
    }
  }

  #failed(at: string, error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof ApiError && error.isRefused) return this.logOut(message);
    this.trouble.value = message;
    const isBadMoment = error instanceof ApiError && error.status === 400;
    if (this.phase.peek() === "loading" && !isBadMoment) return this.logOut(message);
    if (isBadMoment && this.phase.peek() === "ready") return;
    const load = this.#load;
    // Nothing that a user could do better than try again.
    setTimeout(() => {
      if (load === this.#load) void this.#show(isBadMoment ? "" : at);
    }, RETRY_MS);
  }

  #takeRecords(records: readonly RecordView[]): void {
    const last = records.at(-1);
    if (last) store.noteLastRecord(last.seq, last.at);
    if (store.mode.peek() === "live") for (const record of records) store.applyRecord(record);
  }

  #takeStatus(status: StatusEvent): void {
    noteServerTime(status.now);
    store.alarms.value = status.alarms;
    store.accepting.value = status.accepting;
    store.readOnly.value = status.read_only;
  }
}

export const session = new Session();

effect(() => session.follow(route.value.query["at"] ?? ""));

/** Goes to a moment in the journal: a record's number, or an instant. */
export function showMoment(at: string | number): void {
  navigate({ query: { at: `${at}` } });
}

/** Back to the present. */
export function goLive(): void {
  navigate({ query: { at: "" } });
}

/** "Now", as far as what is shown is concerned: ages and countdowns are reckoned from here. */
export const momentMs = computed(() =>
  store.mode.value === "live"
    ? tickMs.value + clockOffsetMs.value
    : store.at.value === null
      ? 0
      : Date.parse(store.at.value),
);

/** Why nothing can be done here now; "" if it can. */
export const actionsBarred = computed(() => {
  if (store.facts.value?.isLive === false) return "this is a journal file: there is nobody to act";
  if (store.mode.value === "past") return "this is the past: go to Live to act";
  if (store.readOnly.value) return "read-only: DispatchCloud.Page.ReadOnly is set in the config";
  return "";
});
