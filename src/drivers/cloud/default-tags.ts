import { forward } from "./forward.ts";
import type { InstanceSet, InstanceTags } from "./port.ts";

/** New instances get these tags too (`CloudVMs.ResourceTags`); tags of the request win (specification §9.2). */
export function withDefaultTags(inner: InstanceSet, defaults: InstanceTags): InstanceSet {
  return {
    ...forward(inner),
    create: (request, signal) =>
      inner.create({ ...request, tags: { ...defaults, ...request.tags } }, signal),
  };
}
