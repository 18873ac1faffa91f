import type { Supervisor } from "../../actors/supervisor.ts";
import type { StopRequest } from "../../http/options.ts";
import type { Logger } from "../../telemetry/logger.ts";

interface StopContext {
  readonly supervisor: Supervisor;
  readonly log: Logger;
  readonly onStopped: (reason: string) => void;
}

/**
 * Stops at once, or, to drain, once no worker is left and nothing that is ours waits. Answers when that is on its way.
 */
export function makeStop({
  supervisor,
  log,
  onStopped,
}: StopContext): (request: StopRequest) => Promise<void> {
  let draining = false;
  return async ({ drain, reason }) => {
    await supervisor.submit({ type: "stop.requested", drain, reason });
    if (!drain) return onStopped(reason);
    if (draining) return;
    draining = true;
    log.info(
      { Reason: reason },
      "draining: nothing new is started, the daemon ends with the last worker",
    );
    const look = (): void => {
      if (supervisor.readModel.isDrained()) onStopped(reason);
    };
    supervisor.released.subscribe(look);
    look();
  };
}
