import { ExplainError } from "../actors/explain.ts";
import { BusyError } from "../actors/turns.ts";
import { JournalError } from "../drivers/journal/port.ts";
import type { AppContext } from "./context.ts";
import { explanationToWire } from "./explain-wire.ts";
import { Problem } from "./problem.ts";
import type { ViewOptions } from "./view-options.ts";
import { wireTime } from "./wire-json.ts";

type Options = Pick<ViewOptions, "explain" | "journalStats">;

/** Why a container waits or an instance was booted, kept or destroyed; ends early with the signal. */
export async function explanationFor(
  ctx: AppContext,
  options: Options,
  signal: AbortSignal,
): Promise<object> {
  const id = (ctx as { params?: Record<string, string> }).params?.["id"] ?? "";
  try {
    const explanation = await options.explain(id, signal);
    if (explanation) return explanationToWire(explanation);
  } catch (error) {
    if (error instanceof BusyError)
      throw new Problem(503, "overloaded", error.message, { "Retry-After": "5" });
    if (error instanceof ExplainError || error instanceof JournalError)
      throw new Problem(500, "journal-unreadable", error.message);
    throw error;
  }
  throw new Problem(404, "unknown-subject", unknownText(id, options));
}

function unknownText(id: string, { journalStats }: Options): string {
  const { firstSeq, lastSeq, firstAtMs } = journalStats();
  const range =
    firstAtMs === null ? "" : ` (records ${firstSeq} to ${lastSeq}, since ${wireTime(firstAtMs)})`;
  return `the journal${range} names no container and no instance ${id}`;
}
