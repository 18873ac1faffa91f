import { BusyError } from "../actors/turns.ts";
import type { AppContext } from "./context.ts";
import { explanationToWire } from "./explain-wire.ts";
import { Problem } from "./problem.ts";
import type { ViewOptions } from "./view-options.ts";
import { seqParam } from "./view-params.ts";
import { wireTime } from "./wire-json.ts";

/** Why a container waits or an instance was booted, kept or destroyed, now or `at` a moment; ends early with the signal. */
export async function explanationFor(
  ctx: AppContext,
  options: ViewOptions,
  signal: AbortSignal,
): Promise<object> {
  const id = (ctx as { params?: Record<string, string> }).params?.["id"] ?? "";
  const atSeq = seqParam(ctx, "at", options);
  try {
    const explanation = await options.explain(id, signal, atSeq);
    if (explanation) return explanationToWire(explanation);
  } catch (error) {
    if (error instanceof BusyError)
      throw new Problem(503, "overloaded", error.message, { "Retry-After": "5" });
    throw error;
  }
  const then = atSeq === undefined ? "" : ` up to record ${atSeq}`;
  throw new Problem(404, "unknown-subject", `${unknownText(id, options)}${then}`);
}

function unknownText(id: string, { journalStats }: ViewOptions): string {
  const { firstSeq, lastSeq, firstAtMs } = journalStats();
  const range =
    firstAtMs === null ? "" : ` (records ${firstSeq} to ${lastSeq}, since ${wireTime(firstAtMs)})`;
  return `the journal${range} names no container and no instance ${id}`;
}
