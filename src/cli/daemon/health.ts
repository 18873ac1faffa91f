import type { RunnerBinary } from "../../actors/runner-binary.ts";
import type { Traffic } from "../../http/traffic.ts";
import type { Alarms } from "./alarms.ts";

interface HealthSources {
  readonly runnerBinary: RunnerBinary | undefined;
  readonly traffic: Pick<Traffic, "trouble">;
  readonly alarms: Pick<Alarms, "list">;
  /** The queue is the daemon's own; a controller's troubles are not this service's. */
  readonly isOwnQueue: boolean;
}

/**
 * Why the service is unhealthy (specification §2.4): the runner's binary cannot be read. Besides, beyond the original: those who
 * have a token are refused for want of turns, or the daemon cannot poll its own queue. Undefined when all is well.
 */
export async function health(sources: HealthSources): Promise<string | undefined> {
  try {
    await sources.runnerBinary?.load();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  const refusing = sources.traffic.trouble();
  if (refusing !== undefined) return refusing;
  const poll = sources.alarms.list().find(({ alarm }) => alarm === "queue");
  return sources.isOwnQueue && poll ? `the queue cannot be polled: ${poll.message}` : undefined;
}
