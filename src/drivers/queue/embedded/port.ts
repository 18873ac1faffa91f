export type Resource = "containers" | "container_requests";

/** What a list asks for, in the words of the API; attributes and operands are checked by the store. */
export interface ListQuery {
  /** `[attribute, operator, operand]` each. */
  readonly filters: readonly unknown[];
  /** `uuid` or `priority desc` each; empty: newest change first. */
  readonly order: readonly string[];
  /** Null: all attributes. */
  readonly select: readonly string[] | null;
  readonly limit: number;
  readonly offset: number;
  /** Whether to count what there is without `limit`. */
  readonly count: boolean;
}

export interface ListPage {
  /** JSON text of the array. */
  readonly items: string;
  /** Null where not asked for. */
  readonly itemsAvailable: number | null;
}

/** Of a container: each lock begins one, which ends with the lock or with the container. */
export interface Attempt {
  readonly containerId: string;
  /** The record's `lock_count` while it lasts. */
  readonly number: number;
}

/** What a runner asks for, and is answered. */
export interface RunnerUpdate {
  readonly changes: unknown;
  /** Null: all attributes. */
  readonly select: readonly string[] | null;
}

/**
 * The embedded queue (specification §3): containers and the requests that made them. Every change is durable when the call
 * returns. Records come as JSON text with plain integers of any size; what goes in may hold long integers as strings
 * of digits. `authId` is the uuid of the caller's token. Throws `QueueStoreError`.
 */
export interface QueueStore {
  /** The uuid that stands for a token and does not tell it. */
  authIdOf(token: string): string;
  list(resource: Resource, query: ListQuery): ListPage;
  get(resource: Resource, uuid: string, select: readonly string[] | null): string;
  /** Throws 422 where `get` would. */
  checkSelect(resource: Resource, select: readonly string[] | null): void;
  lock(containerId: string, authId: string): void;
  /** Cancelled instead of Queued after the greatest number of attempts, and when its request was cancelled. */
  unlock(containerId: string, authId: string): void;
  updateContainer(containerId: string, changes: unknown, authId: string): void;
  /** Throws 403 once the attempt is over: for the three that a runner's token is good for. */
  assertInAttempt(attempt: Attempt): void;
  unlockInAttempt(attempt: Attempt, authId: string): void;
  /** What runners may set. The update that ended the container may come again, and changes nothing then. */
  updateInAttempt(attempt: Attempt, update: RunnerUpdate, authId: string): void;
  /** Makes a request and its container; returns the request's uuid. */
  submit(request: unknown): string;
  /** `priority` 0 cancels: a waiting container at once, a running one by way of the dispatcher. */
  updateRequest(requestId: string, changes: unknown): void;
  close(): void;
}

/** The answer that the API gives instead: an HTTP status and its `errors`. */
export class QueueStoreError extends Error {
  override readonly name = "QueueStoreError";
  readonly status: number;
  readonly errors: readonly string[];

  constructor(status: number, errors: readonly string[], options: ErrorOptions = {}) {
    super(errors.join("; "), options);
    this.status = status;
    this.errors = errors;
  }
}
