import type { ActorKind } from "../../../src/machines/model/ids.ts";

export const ABOUT: Record<ActorKind, string> = {
  worker: "One VM. Each of the two regions takes every event.",
  container:
    "One container of the queue: three questions, a region for each. `record` is what the API said last, whatever that was: it is not for us to say what may follow what.",
  supervisor:
    "The dispatcher as a whole. It decides when it is `dispatching`, and winds down when `stopping`.",
  quota: "The cloud account's quota, learned from what the cloud refuses.",
  capacity:
    "One for each key that was out of capacity; it is dropped when it is `available` again.",
  throttle:
    "Holds creates back: after a rate limit, an unknown failure, or when enough are in flight.",
};
