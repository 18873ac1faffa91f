import { STATUS_CODES } from "node:http";
import { QueueStoreError } from "../drivers/queue/embedded/port.ts";
import type { AppContext, AppMiddleware, HttpState } from "./context.ts";
import type { HttpLog } from "./options.ts";
import { isOwnPath, Problem } from "./problem.ts";

/** The one place that writes errors: `application/problem+json` for our own endpoints, else as specification §11.3 says. */
export function answerErrors(log: HttpLog): AppMiddleware {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      write(ctx, toProblem(ctx, error, log));
    }
  };
}

function write(ctx: AppContext, problem: Problem): void {
  const { status, code, message, headers } = problem;
  ctx.status = status;
  ctx.set(headers);
  ctx.set("X-Content-Type-Options", "nosniff");
  // The rest of a body that is too large is not worth reading.
  if (status === 413) ctx.set("Connection", "close");
  // Without a target: it could not be read.
  const { requestId, target } = ctx.state as Partial<HttpState>;
  if (isOwnPath(target?.path ?? ctx.url)) {
    ctx.set("Content-Type", "application/problem+json");
    ctx.body = JSON.stringify({
      type: `urn:dispatch-cloud:problem:${code}`,
      title: STATUS_CODES[status] ?? "Error",
      status,
      detail: message,
      request_id: requestId,
    });
    return;
  }
  ctx.set("Content-Type", "application/json");
  ctx.body = `${JSON.stringify({ errors: [message] })}\n`;
}

function toProblem(ctx: AppContext, error: unknown, log: HttpLog): Problem {
  if (error instanceof Problem) return error;
  // Whichever router it came through.
  if (error instanceof QueueStoreError && error.status < 500)
    return new Problem(error.status, "bad-request", error.errors.join("; "));
  const { status, expose, message, code } = error as ParserError;
  // The one refusal of the body parser's that it does not mark as the client's.
  if (status === 415 && message.startsWith("Unsupported Content-Encoding"))
    return new Problem(415, "bad-request", message);
  // What the body parser refuses: too large, cut short, an unknown charset or encoding.
  if (expose === true && status !== undefined && status >= 400 && status < 500)
    return new Problem(status, "bad-request", message);
  // zlib's codes of gzip and deflate, and of Brotli.
  if (code !== undefined && /^(Z_|ERR__|ERR_BROTLI_)/.test(code))
    return new Problem(400, "bad-request", "the body is not in the encoding that its header names");
  const { requestId } = ctx.state;
  log.error({ err: error, RequestID: requestId, reqMethod: ctx.method }, "request failed");
  const detail = `internal error; the log tells more under request id ${requestId}`;
  return new Problem(500, "internal-error", detail);
}

interface ParserError extends Error {
  readonly status?: number;
  readonly expose?: boolean;
  /** Of zlib. */
  readonly code?: string;
}
