import { JournalError } from "../drivers/journal/port.ts";
import { answer } from "./answer.ts";
import type { AppContext } from "./context.ts";
import { instantOrNull } from "./instant.ts";
import { assertWritable } from "./operator-facts.ts";
import type { AppOptions } from "./options.ts";
import { Problem } from "./problem.ts";
import type { JournalAcceptAnswer } from "./wire/actions.ts";

/** `POST /dispatch/v1/journal/accept`: an operator takes note of what the journal lacks. */
export async function acceptJournal(
  ctx: AppContext,
  options: AppOptions,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<void> {
  assertWritable(options);
  options.log.info({ By: by, Reason: reason }, "journal accepted");
  const accepted = await options.acceptJournal(by, reason).catch(refuse);
  const body: JournalAcceptAnswer = {
    request: "accept",
    changed: accepted.length > 0,
    accepted: accepted.map(({ cause, atMs, lastSeq, witness }) => ({
      cause,
      at: instantOrNull(atMs),
      last_seq: lastSeq,
      written_seq: witness?.lastSeq ?? null,
    })),
  };
  answer(ctx, 200, body);
}

function refuse(error: unknown): never {
  if (!(error instanceof JournalError)) throw error;
  throw new Problem(503, "journal-unavailable", error.message, { "Retry-After": "5" });
}
