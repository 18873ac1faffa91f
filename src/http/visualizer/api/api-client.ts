import { quoteLongPriorities } from "./wire-text.ts";

/** What went wrong with a request, in words that may be shown. */
export class ApiError extends Error {
  /** 0 where no answer came. */
  readonly status: number;
  /** The stable last part of the problem's type; "" where there is none. */
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
  }

  /** The token is missing or wrong: log in again. */
  get isRefused(): boolean {
    return this.status === 401 || (this.status === 403 && this.code !== "read-only");
  }
}

/**
 * Requests to the dispatcher that the page came from. The token lives in this object and nowhere else, and goes out in
 * a header only.
 */
export class ApiClient {
  readonly #token: string;
  readonly #fetch: typeof fetch;

  constructor(token: string, fetcher: typeof fetch = (input, init) => fetch(input, init)) {
    this.#token = token;
    this.#fetch = fetcher;
  }

  /** Throws `ApiError`, and an `AbortError` as it is. */
  async get<T>(path: string, signal?: AbortSignal): Promise<T> {
    return this.#read<T>(await this.open(path, signal ? { signal } : {}));
  }

  async post<T>(path: string, body: object): Promise<T> {
    const headers = { "Content-Type": "application/json" };
    const response = await this.open(path, { method: "POST", headers, body: JSON.stringify(body) });
    return this.#read<T>(response);
  }

  /** The answer itself, when it is a good one. */
  async open(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { ...(init.headers as object), Authorization: `Bearer ${this.#token}` };
    const response = await this.#send(path, { ...init, headers });
    if (response.ok) return response;
    throw await errorOf(response);
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    try {
      // Relative, so that it works below any path.
      return await this.#fetch(`dispatch/v1/${path}`, { ...init, cache: "no-store" });
    } catch (error) {
      if (init.signal?.aborted) throw error;
      throw new ApiError(0, "", "the dispatcher does not answer");
    }
  }

  async #read<T>(response: Response): Promise<T> {
    const text = await response.text();
    try {
      return JSON.parse(quoteLongPriorities(text)) as T;
    } catch {
      throw new ApiError(response.status, "", "the answer is no JSON");
    }
  }
}

async function errorOf(response: Response): Promise<ApiError> {
  const { status } = response;
  try {
    const problem = (await response.json()) as { type?: unknown; detail?: unknown };
    const code = typeof problem.type === "string" ? (problem.type.split(":").at(-1) ?? "") : "";
    const detail = typeof problem.detail === "string" ? problem.detail : `status ${status}`;
    return new ApiError(status, code, detail);
  } catch {
    return new ApiError(status, "", `status ${status}`);
  }
}
