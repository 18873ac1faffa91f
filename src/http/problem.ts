/** A refusal with its reason in words for the client. `code` is kebab-case and stable. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    code: string,
    detail: string,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Where the endpoints of our own stand; all others are drop-in. */
export function isOwnPath(path: string): boolean {
  return path === "/dispatch/v1" || path.startsWith("/dispatch/v1/");
}
