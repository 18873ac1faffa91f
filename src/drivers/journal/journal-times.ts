import { ToldTimes, toldTimesOf } from "../../machines/model/told-times.ts";
import { JournalError } from "./port.ts";

/** A damaged journal is pruned too, by the times as they were recorded. */
export function timesOf(journal: Parameters<typeof toldTimesOf>[0]): ToldTimes {
  try {
    return toldTimesOf(journal);
  } catch (error) {
    if (error instanceof JournalError) return new ToldTimes();
    throw error;
  }
}
