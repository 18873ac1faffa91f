import type { RecordsAnswer, RecordView } from "../../wire/record.ts";

export type GetRecords = (fromSeq: number, limit: number) => Promise<RecordsAnswer>;

const PAGE_RECORDS = 200;

/** Records after one of them, read in pages; the next page is asked for before this one is used up. */
export class RecordPages {
  readonly #getRecords: GetRecords;
  #records: RecordView[] = [];
  #nextSeq: number | null;
  #reading: Promise<void> | undefined;

  constructor(getRecords: GetRecords, afterSeq: number) {
    this.#getRecords = getRecords;
    this.#nextSeq = afterSeq + 1;
  }

  /** The journal has nothing after what was taken. */
  get isAtEnd(): boolean {
    return this.#records.length === 0 && this.#nextSeq === null;
  }

  /** What comes next, as far as it is here already. */
  peek(): RecordView | undefined {
    return this.#records[0];
  }

  take(): RecordView | undefined {
    const record = this.#records.shift();
    if (this.#records.length < PAGE_RECORDS / 2) this.read().catch(() => {});
    return record;
  }

  /** Resolves once there is something to take, or nothing more to come. Rejects when the page cannot be read. */
  async read(): Promise<void> {
    if (this.#nextSeq === null) return;
    this.#reading ??= this.#readPage(this.#nextSeq).finally(() => (this.#reading = undefined));
    await this.#reading;
  }

  async #readPage(fromSeq: number): Promise<void> {
    const { items, next_seq } = await this.#getRecords(fromSeq, PAGE_RECORDS);
    this.#records.push(...items);
    this.#nextSeq = next_seq;
  }
}
