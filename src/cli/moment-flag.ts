import { seqAt, toldMoment } from "../actors/timeline/search.ts";
import type { Journal } from "../drivers/journal/port.ts";
import { toldTimesOf } from "../machines/model/told-times.ts";
import { usageError, type Command } from "./command.ts";

/** A record's number, or a time. */
export type Moment = { readonly seq: number } | { readonly atMs: number };

/** What a flag names; throws `UsageError`. */
export function momentFlag(
  command: Pick<Command, "name">,
  flag: string,
  text: string | undefined,
): Moment | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return { seq: Number(text) };
  const atMs = /^\d{4}-\d\d-\d\d[Tt ]/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(atMs)) return { atMs };
  throw usageError(
    command,
    `--${flag}: found ${JSON.stringify(text)}, expected a record's number or a time like 2026-01-02T03:04:05Z`,
  );
}

/** The record; or the newest one at or before the time, as its times are told now, the one before the first at least. */
export function seqOfMoment(journal: Journal, moment: Moment, nowMs: number): number {
  if ("seq" in moment) return moment.seq;
  const { firstSeq, lastSeq, records } = journal.stats();
  if (records === 0) return lastSeq;
  const searched = { times: toldTimesOf(journal), firstSeq, lastSeq };
  return seqAt(journal, toldMoment(journal, moment.atMs, searched, nowMs), searched);
}
