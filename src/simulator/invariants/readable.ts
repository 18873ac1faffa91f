import { JournalError } from "../../drivers/journal/port.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import type { World } from "../world.ts";

/** Of the world's journal, what comes before the first damage that no start has met. */
export function* readable({ journal }: Pick<World, "journal">): Generator<JournalRecord> {
  try {
    yield* journal?.read() ?? [];
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
  }
}
