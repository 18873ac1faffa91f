import type { ApiParams } from "./queue-params.ts";

/** A request to the embedded queue, as its handlers see it. */
export interface QueueCall {
  /** Of the path; "" where that has none. */
  readonly uuid: string;
  readonly params: ApiParams;
  /** The uuid of the token that the caller acts by. */
  readonly authId: string;
}
