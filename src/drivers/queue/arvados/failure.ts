import type { Failure } from "../../../machines/model/fact.ts";
import { QueueError } from "../port.ts";
import { ArvadosError } from "./error.ts";

/** Converts what the client throws; `prefix` says what was being done, where the URL does not. */
export function toQueueError(error: unknown, prefix = ""): unknown {
  if (!(error instanceof ArvadosError)) return error;
  const failure: Failure = { code: codeOf(error), message: prefix + error.message };
  return new QueueError(failure, { cause: error, status: error.status });
}

function codeOf(error: ArvadosError): Failure["code"] {
  switch (error.kind) {
    case "aborted":
    case "timeout":
      return error.kind;
    case "network":
      return "unavailable";
    case "decode":
      return "other";
    case "status":
      return codeOfStatus(error.status ?? 0);
  }
}

function codeOfStatus(status: number): Failure["code"] {
  if (status === 401) return "unauthorized";
  if (status === 404) return "notFound";
  if (status === 408) return "timeout";
  if (status === 429) return "rateLimited";
  if (status === 502 || status === 503 || status === 504) return "unavailable";
  return status >= 400 && status < 500 ? "refused" : "other";
}

export function protocolError(message: string): QueueError {
  return new QueueError({ code: "other", message });
}
