import type {
  ContainerEnd,
  ContainerRecord,
  ContainerState,
  Failure,
} from "../../machines/model/fact.ts";

export interface OperationResult {
  readonly state: ContainerState;
  readonly priority: string | null;
}

/**
 * The container queue at a controller (specification §3, §4). One attempt per call, a deadline on each; throws `QueueError` and
 * nothing else.
 */
export interface Queue {
  /**
   * All that concerns us now (specification §4.3): locked by us, the top of the queue, and what became of `open` ones, which it has
   * not told the end of yet.
   */
  poll(open: Iterable<string>, signal: AbortSignal): Promise<QueuePoll>;
  /** Sum of the capacities (bytes) of its `tmp` mounts. */
  tmpMounts(containerId: string, signal: AbortSignal): Promise<number>;
  lock(containerId: string, signal: AbortSignal): Promise<OperationResult>;
  unlock(containerId: string, signal: AbortSignal): Promise<OperationResult>;
  /** With `error`: sets `runtime_status.error` first, and locks before that if it must (specification §4.4). */
  cancel(
    containerId: string,
    error: string | undefined,
    signal: AbortSignal,
  ): Promise<OperationResult>;
  /** When the API last answered 503, in the clock that was handed in; null if never. */
  last503AtMs(): number | null;
}

export interface QueuePoll {
  /** By container id; `tmpMounts` of each record is 0 here. */
  readonly entries: ReadonlyMap<string, ContainerRecord>;
  /** How those of `entries` ended that have, as far as the record says. */
  readonly ends: ReadonlyMap<string, ContainerEnd>;
  /** Open ones that the API no longer has. */
  readonly deleted: ReadonlySet<string>;
  /** Ones that were listed but cannot be read; they are neither in `entries` nor in `deleted`. */
  readonly rejected: ReadonlyMap<string, RejectedRow>;
  /** Rows without a readable container id, which nobody can act on. */
  readonly namelessRows: number;
}

export interface RejectedRow {
  /** Null: the state itself cannot be read. */
  readonly state: ContainerState | null;
  /** Names each unreadable field; fit to be shown to the user. */
  readonly error: string;
}

/** The API said no, or could not be reached. `undecodable`: the record itself cannot be read (specification §4.4). */
export class QueueError extends Error {
  override readonly name = "QueueError";
  readonly failure: Failure;
  readonly status: number | undefined;
  readonly undecodable: boolean;

  constructor(
    failure: Failure,
    options: ErrorOptions & { status?: number | undefined; undecodable?: boolean } = {},
  ) {
    super(failure.message, options);
    this.failure = failure;
    this.status = options.status;
    this.undecodable = options.undecodable ?? false;
  }
}
