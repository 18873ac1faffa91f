/**
 * What a worker tells a container: delivered to the container's machine first in, first out, within the worker's `seq`.
 */
export type Notice = {
  readonly containerId: string;
  readonly workerId: string;
} & (
  | { readonly type: "process.starting" }
  | { readonly type: "process.seen" }
  | { readonly type: "process.killing"; readonly reason: string }
  | { readonly type: "process.unkillable" }
  /** `exited`: a probe or a kill found it gone. `abandoned`: its worker is gone, nobody knows. */
  | { readonly type: "process.ended"; readonly how: "exited" | "abandoned" }
);
