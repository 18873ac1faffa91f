import { withDefaultTags } from "./default-tags.ts";
import { withMetrics, type CloudOperation } from "./instrumented.ts";
import type { InstanceSet, InstanceTags } from "./port.ts";
import { withRateLimit, type RateLimitOptions } from "./rate-limit.ts";
import { withTagFilter } from "./tag-filter.ts";

export interface DecorateOptions extends RateLimitOptions {
  /** `CloudVMs.ResourceTags`. */
  readonly resourceTags: InstanceTags;
  readonly count: (operation: CloudOperation, error: boolean) => void;
  readonly onFiltered?: (counts: {
    readonly listedCount: number;
    readonly keptCount: number;
  }) => void;
}

/** A driver as the rest of the dispatcher uses it: the wrappers of specification §9.2 in their order. */
export function decorate(driver: InstanceSet, options: DecorateOptions): InstanceSet {
  const counted = withMetrics(driver, options.count);
  const limited = withRateLimit(counted, options);
  return withTagFilter(withDefaultTags(limited, options.resourceTags), options.onFiltered);
}
