export type ArvadosErrorKind =
  /** The server answered, but not 200 or 204. */
  | "status"
  /** No answer: refused, reset, cut off, unknown host. */
  | "network"
  /** No complete answer before the deadline. */
  | "timeout"
  /** The caller's signal. */
  | "aborted"
  /** A 200 that is no JSON. */
  | "decode";

/** A call of the controller that failed (specification §3); `message` names the URL and what the server said, never a token. */
export class ArvadosError extends Error {
  override readonly name = "ArvadosError";
  readonly kind: ArvadosErrorKind;
  /** Of a `status` or `decode` error. */
  readonly status: number | undefined;
  /** What the server listed in `errors`. */
  readonly errors: readonly string[];

  constructor(
    kind: ArvadosErrorKind,
    message: string,
    options: ErrorOptions & { status?: number; errors?: readonly string[] } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.status = options.status;
    this.errors = options.errors ?? [];
  }
}
