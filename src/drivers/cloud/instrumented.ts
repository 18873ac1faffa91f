import { forward } from "./forward.ts";
import type { InstanceSet } from "./port.ts";

/** Values of the label `operation` of `driver_operations`; each has a series per outcome from the start (specification §9.2). */
export const CLOUD_OPERATIONS = ["Create", "List", "Destroy", "SetTags"] as const;
export type CloudOperation = (typeof CLOUD_OPERATIONS)[number];

/** Reports each call and whether it failed. */
export function withMetrics(
  inner: InstanceSet,
  count: (operation: CloudOperation, error: boolean) => void,
): InstanceSet {
  async function counted<T>(operation: CloudOperation, call: Promise<T>): Promise<T> {
    try {
      const result = await call;
      count(operation, false);
      return result;
    } catch (error) {
      count(operation, true);
      throw error;
    }
  }
  return {
    ...forward(inner),
    create: (request, signal) => counted("Create", inner.create(request, signal)),
    list: (tags, signal) => counted("List", inner.list(tags, signal)),
    destroy: (instanceId, signal) => counted("Destroy", inner.destroy(instanceId, signal)),
    setTags: (instanceId, tags, signal) =>
      counted("SetTags", inner.setTags(instanceId, tags, signal)),
  };
}
