import type { Clock } from "../../actors/clock.ts";
import { breakText, openBreaks } from "../../drivers/journal/continuity.ts";
import type { Journal, JournalBreak, JournalProblem } from "../../drivers/journal/port.ts";
import type { Logger } from "../../telemetry/logger.ts";
import type { Alarms } from "./alarms.ts";

interface WatchOptions {
  readonly journal: Journal;
  readonly alarms: Alarms;
  readonly log: Pick<Logger, "info" | "warn" | "error">;
  readonly clock: Clock;
}

/** Between two steps of some milliseconds each: about 10 MB a second, and a few hundredths of one core. */
const STEP_PAUSE_MS = 25;
/** The start has its own to read first. */
const FIRST_CHECK_AFTER_MS = 1_000;
const CHECK_EVERY_MS = 24 * 3_600_000;
const PROBLEMS_LOGGED = 10;

/** Says what is missing of the journal, and checks the whole chain behind the start, then daily. Returns what ends it. */
export function watchJournal(options: WatchOptions): () => void {
  const { journal, alarms, log, clock } = options;
  tellMissing(options);
  let closed = false;
  let cancel = (): void => {};
  const sleep = (delayMs: number): Promise<boolean> =>
    new Promise((resolve) => {
      cancel = clock.setTimer(delayMs, () => resolve(!closed));
    });
  const check = async (): Promise<void> => {
    const problems = await journal.checkChain(() => sleep(STEP_PAUSE_MS));
    if (closed) return;
    alarms.set("journal-damage", damageText(problems));
    for (const { code, seq, message } of problems.slice(0, PROBLEMS_LOGGED))
      log.error(
        { Alarm: "journal-damage", Code: code, Seq: seq, Error: message },
        "journal is damaged",
      );
    if (problems.length === 0) log.info({ Seq: journal.lastSeq }, "journal checked, all in order");
  };
  const rounds = async (): Promise<void> => {
    for (let delayMs = FIRST_CHECK_AFTER_MS; await sleep(delayMs); delayMs = CHECK_EVERY_MS)
      await check().catch((error: unknown) =>
        log.warn({ err: error }, "journal cannot be checked"),
      );
  };
  void rounds();
  return () => {
    closed = true;
    cancel();
  };
}

function damageText([first, ...others]: readonly JournalProblem[]): string {
  if (!first) return "";
  const more = others.length > 0 ? ` (and ${others.length} more places)` : "";
  return `${first.message}${more}. What runs is not concerned`;
}

function tellMissing({ journal, alarms, log }: WatchOptions): void {
  const open = openBreaks(journal.breaks);
  const last = open.at(-1);
  if (!last) return;
  const before = open.length > 1 ? ` (the last of ${open.length} times)` : "";
  const advice = "once you know why, `dispatch-cloud journal accept` takes note of it";
  const message = `${breakText(last, journal.id)}${before}. What runs is found again; ${advice}`;
  alarms.set("journal-missing", message);
  log.error(
    { Alarm: "journal-missing", Cause: last.cause, Seq: last.lastSeq, Error: message },
    "journal lacks records",
  );
}

/** An operator takes note of what is missing: the alarm is over. */
export function makeAccept({ journal, alarms, clock }: Omit<WatchOptions, "log">) {
  return async (by: string, reason: string): Promise<readonly JournalBreak[]> => {
    const accepted = await journal.accept({ by, reason, atMs: clock.nowMs() });
    alarms.set("journal-missing", "");
    return accepted;
  };
}

/** Whether the witness can be written; a full disk is said by the alarm of the journal itself. */
export function makeWitnessObserver({ alarms, log }: Pick<WatchOptions, "alarms" | "log">) {
  let told = false;
  return (error: Error | undefined): void => {
    const isFull = /^(ENOSPC|EDQUOT)$/.test(
      String((error as { code?: unknown } | undefined)?.code),
    );
    const advice =
      "without it nobody notices when the journal loses its end; look at the rights in its folder";
    alarms.set("journal-witness", error && !isFull ? `${error.message}: ${advice}` : "");
    if (error && !told) log.warn({ Error: error.message }, "journal's witness cannot be written");
    else if (!error) log.info({}, "journal's witness can be written again");
    told = error !== undefined;
  };
}
