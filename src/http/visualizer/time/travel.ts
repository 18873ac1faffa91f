import { signal } from "@preact/signals";
import type { StateAnswer } from "../../wire/state.ts";
import type { Store } from "../store/store.ts";
import { Playhead } from "./playhead.ts";
import { RecordPages, type GetRecords } from "./record-pages.ts";

export const SPEEDS = [1, 10, 100, 1000] as const;

export interface TravelOptions {
  readonly store: Store;
  readonly getRecords: GetRecords;
  readonly getState: (at: string) => Promise<StateAnswer>;
  /** The rows stand at another record now, one that no address asked for. */
  readonly onMoved: (seq: number) => void;
  readonly nowMs: () => number;
  /** Calls back again and again, soon; returns what ends that. */
  readonly everyMoment: (callback: () => void) => () => void;
}

/** Bounds what is applied between two frames, however fast it is to go. */
const RECORDS_PER_MOMENT = 400;
/** How far back a state is loaded when nothing is left to undo: from there on every step back is at hand again. */
const BACK_RECORDS = 200;

/** Moves what is shown along the journal, a record at a time or by the records' own times. */
export class TimeTravel {
  readonly playing = signal(false);
  readonly speed = signal<number>(100);
  readonly skipIdle = signal(true);
  /** Why it does not go on; "" for no trouble. */
  readonly trouble = signal("");
  /** The moment while it plays, which lies between two records most of the time; null else. */
  readonly playedMs = signal<number | null>(null);
  readonly #options: TravelOptions;
  #pages: RecordPages | undefined;
  /** The record that the pages go on from. */
  #pagesAfterSeq = -1;
  #stop: (() => void) | undefined;
  #busy: Promise<void> = Promise.resolve();

  constructor(options: TravelOptions) {
    this.#options = options;
  }

  /** One record on or back; steps that are asked for meanwhile follow one after the other. */
  step(by: 1 | -1): Promise<void> {
    this.pause();
    return this.#inTurn(() => (by === 1 ? this.#stepOn() : this.#stepBack()));
  }

  /** On from what is shown, or from the beginning where that is the end. */
  play(): Promise<void> {
    if (this.playing.peek()) return this.#busy;
    this.playing.value = true;
    return this.#inTurn(() => this.#startPlaying());
  }

  pause(): void {
    if (!this.playing.peek()) return;
    this.#stop?.();
    this.#stop = undefined;
    this.playing.value = false;
    this.playedMs.value = null;
    this.#tellMoved();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#busy = this.#busy.then(work).then(
      () => void (this.trouble.value = ""),
      (error: unknown) => {
        this.pause();
        this.trouble.value = error instanceof Error ? error.message : String(error);
      },
    );
    return this.#busy;
  }

  #tellMoved(): void {
    const { store, onMoved } = this.#options;
    if (store.mode.peek() === "past") onMoved(store.seqNow);
  }

  async #stepOn(): Promise<void> {
    const pages = this.#pagesHere();
    if (!pages.peek()) await pages.read();
    this.#applyNext(pages);
    this.#tellMoved();
  }

  async #stepBack(): Promise<void> {
    const { store } = this.#options;
    const seq = store.seqNow;
    if (seq <= store.bounds.peek().first_seq) return;
    if (store.mode.peek() === "live" || !store.undo()) await this.#loadBefore(seq);
    this.#tellMoved();
  }

  /** The state some records back, and on from there, so that the next steps back need no server. */
  async #loadBefore(seq: number): Promise<void> {
    const { store, getState, getRecords } = this.#options;
    const fromSeq = Math.max(store.bounds.peek().first_seq, seq - BACK_RECORDS);
    const [state, { items }] = await Promise.all([
      getState(`${fromSeq}`),
      getRecords(fromSeq + 1, BACK_RECORDS),
    ]);
    store.loadState(state, "past");
    for (const record of items) if (record.seq < seq) store.applyRecord(record);
  }

  async #startPlaying(): Promise<void> {
    const { store, nowMs, everyMoment, getState } = this.#options;
    const { first_seq, last_seq } = store.bounds.peek();
    if (store.seqNow >= last_seq) store.loadState(await getState(`${first_seq}`), "past");
    const pages = this.#pagesHere();
    await pages.read();
    if (!this.playing.peek()) return;
    let options = this.#playOptions();
    const head = new Playhead(nowMs(), atMsOf(store.at.peek()), options);
    this.#stop = everyMoment(() => {
      const wanted = this.#playOptions();
      if (wanted.speed !== options.speed || wanted.skipIdle !== options.skipIdle)
        head.change(nowMs(), (options = wanted));
      this.#playOn(head, pages);
    });
  }

  #playOptions() {
    return { speed: this.speed.peek(), skipIdle: this.skipIdle.peek() };
  }

  #playOn(head: Playhead, pages: RecordPages): void {
    const { store, nowMs } = this.#options;
    const hasLeft = store.seqNow !== this.#pagesAfterSeq || store.mode.peek() === "live";
    if (hasLeft || pages.isAtEnd) return this.pause();
    const next = pages.peek();
    // Until the next page is here, time stands still.
    if (!next) return head.hold(nowMs());
    const untilMs = head.advance(nowMs(), Date.parse(next.at));
    let count = 0;
    for (let record = pages.peek(); record; record = pages.peek()) {
      if (Date.parse(record.at) > untilMs || ++count > RECORDS_PER_MOMENT) break;
      this.#applyNext(pages);
    }
    this.playedMs.value = Math.min(untilMs, Date.parse(pages.peek()?.at ?? next.at));
    if (count > 0) this.#tellMoved();
  }

  #applyNext(pages: RecordPages): void {
    const record = pages.take();
    if (!record) return;
    this.#options.store.applyRecord(record);
    this.#pagesAfterSeq = record.seq;
  }

  /** The pages that follow what is shown. */
  #pagesHere(): RecordPages {
    const { store, getRecords } = this.#options;
    const seq = store.seqNow;
    if (!this.#pages || this.#pagesAfterSeq !== seq || this.#pages.isAtEnd)
      this.#pages = new RecordPages(getRecords, seq);
    this.#pagesAfterSeq = seq;
    return this.#pages;
  }
}

function atMsOf(at: string | null): number {
  return at === null ? 0 : Date.parse(at);
}
