import type { ActorKind } from "../../wire/common.ts";
import type { StateAnswer } from "../../wire/state.ts";

/** How things stood before a record: enough to take it back. */
export interface UndoEntry {
  readonly seq: number;
  readonly at: string | null;
  readonly scheduler: StateAnswer["scheduler"];
  readonly rows: { kind: ActorKind; id: string; before: unknown }[];
}

/** Bounded: who steps further back than this loads a state. */
const ENTRIES_MAX = 5000;

export class UndoStack {
  readonly #entries: UndoEntry[] = [];

  push(entry: UndoEntry): void {
    this.#entries.push(entry);
    if (this.#entries.length > ENTRIES_MAX) this.#entries.shift();
  }

  pop(): UndoEntry | undefined {
    return this.#entries.pop();
  }

  clear(): void {
    this.#entries.length = 0;
  }
}
