import type { FactInput } from "../machines/model/fact.ts";
import type { IdleBehavior } from "../machines/model/command.ts";
import type { AppOptions } from "./options.ts";
import { Problem } from "./problem.ts";

type Options = Pick<AppOptions, "submit" | "writable" | "readOnly" | "log">;

const REASON_MAX = 1000;

/**
 * What operators ask for. Each resolves once it is durable, and tells whether it changed anything. Throws `Problem` when
 * nothing may be changed, or nothing can be written.
 */
export function makeOperatorFacts(options: Options) {
  const submit = async (fact: FactInput, reason: string): Promise<boolean> => {
    assertWritable(options);
    const { type, ...fields } = fact;
    const shown = `via management API: ${reason}`;
    options.log.info({ ...fields, request: type, reason: shown }, "operator request");
    return options.submit(fact);
  };
  return {
    setBehavior: (workerId: string, behavior: IdleBehavior, reason: string) =>
      submit({ type: "behavior.requested", workerId, behavior, reason }, reason),
    killWorker: (workerId: string, reason: string) =>
      submit({ type: "shutdown.requested", workerId, reason }, reason),
    killContainer: (containerId: string, reason: string) =>
      submit({ type: "kill.requested", containerId, reason }, reason),
    cancelContainer: (containerId: string, reason: string) =>
      submit({ type: "cancel.requested", containerId, reason }, reason),
  };
}

export type OperatorFacts = ReturnType<typeof makeOperatorFacts>;

export function assertWritable({ readOnly, writable }: Pick<Options, "readOnly" | "writable">) {
  assertNotReadOnly(readOnly);
  if (writable()) return;
  const detail = "the journal cannot be written now, so nothing can be changed; try again later";
  throw new Problem(503, "journal-unavailable", detail, { "Retry-After": "5" });
}

export function assertNotReadOnly(readOnly: boolean): void {
  if (!readOnly) return;
  const detail = "this dispatcher is read-only over HTTP (DispatchCloud.Page.ReadOnly)";
  throw new Problem(403, "read-only", detail);
}

/** Text from outside that goes to journal and log: one line, not too long. */
export function cleanReason(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, " ")
    .trim()
    .slice(0, REASON_MAX);
}
