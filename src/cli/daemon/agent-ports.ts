import type { AgentPorts } from "../../actors/agent-ports.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { begun, makeNonce, present, Refused } from "../../crunch-run/agent/handshake.ts";
import { LineError } from "../../crunch-run/agent/line.ts";
import type { LateApi } from "./late-api.ts";
import { agentSecret } from "./secrets.ts";
import type { Secrets } from "./secrets.ts";

/**
 * What the dispatcher says to agents; undefined where runners need none: they are on this machine, or have a controller that they
 * reach by themselves.
 */
export function makeAgentPorts(
  { dispatchCloud, services, containers }: ClusterConfig,
  { systemRootToken }: Pick<Secrets, "systemRootToken">,
  api: LateApi,
): AgentPorts | undefined {
  const isOwnQueue =
    dispatchCloud.queue.driver === "embedded" && services.controller.externalURL === "";
  if (!isOwnQueue || containers.cloudVMs.driver === "loopback") return undefined;
  const secretOf = (instanceId: string): string => agentSecret(systemRootToken, instanceId);
  return {
    startInput: (instanceId, runner) =>
      `${JSON.stringify({ secret: secretOf(instanceId), runner })}\n`,
    present: async (stream, { instanceId, runnerSum: runner, session }) => {
      try {
        const identity = { secret: secretOf(instanceId), runner };
        await present(stream, identity, { role: "dispatcher", session });
        return undefined;
      } catch (error) {
        return wordsOf(error);
      }
    },
    begun: async (stream) => {
      try {
        await begun(stream);
        return true;
      } catch (error) {
        wordsOf(error);
        return false;
      }
    },
    serve: (stream, instanceId) => api.serve(stream, `ssh:${instanceId}`),
    makeSession: makeNonce,
  };
}

/** Rethrows what the other side has not made: that is a bug. */
function wordsOf(error: unknown): string {
  if (error instanceof Refused || error instanceof LineError) return `agent: ${error.message}`;
  throw error;
}
