import type { InstanceSet } from "./port.ts";

/** All methods of `inner`, for a decorator to replace some. (A spread would lose those of a class.) */
export function forward(inner: InstanceSet): InstanceSet {
  return {
    create: (request, signal) => inner.create(request, signal),
    list: (tags, signal) => inner.list(tags, signal),
    destroy: (instanceId, signal) => inner.destroy(instanceId, signal),
    setTags: (instanceId, tags, signal) => inner.setTags(instanceId, tags, signal),
    quotaGroup: (type) => inner.quotaGroup(type),
    verifyHostKey: (instance, key, session) => inner.verifyHostKey(instance, key, session),
    close: () => inner.close(),
  };
}
