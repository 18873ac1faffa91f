import { callApi } from "../api.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { connectionOf, type Connection } from "../connection.ts";
import { CliError, EXIT } from "../exit-code.ts";
import {
  cancelRequest,
  isRequestId,
  labelsOf,
  listRequests,
  requireContainerId,
} from "../queue-api.ts";

export const cancelCommand = defineCommand({
  name: "cancel",
  summary:
    "Cancels containers: those that wait at once, those that run after they have been stopped.",
  flags: {
    reason: {
      type: "string",
      value: "TEXT",
      help: "Why; kept with the decision and, where the dispatcher ends it, shown at the container",
    },
    config: CONFIG_FLAG,
  },
  args: { usage: "CONTAINER…", min: 1, max: Infinity },
  notes: [
    "The command is sent SIGTERM, again and again, and is never abandoned silently: see docs/operating.md. The " +
      "uuids may be those of containers or of their requests.",
    "A container of the embedded queue is cancelled by the dispatcher where it knows it; else its requests are given the " +
      "priority 0, as with a request's uuid and with a controller, which would run it again while a request wants it.",
  ],
  exitCodes: { [EXIT.failed]: "one of them could not be cancelled; standard error says which" },
  examples: [
    "dispatch-cloud cancel zzzzz-dz642-0123456789abcde",
    'dispatch-cloud cancel --reason "wrong input" zzzzz-dz642-0123456789abcde',
  ],
  async run({ flags, args, io }) {
    for (const uuid of args) if (!isRequestId(uuid)) requireContainerId(uuid);
    const connection = await connectionOf(flags.config, io);
    const labelOf = await labelsOf(connection, args);
    let exitCode: number = EXIT.ok;
    for (const uuid of args) {
      try {
        await cancel(connection, uuid, flags.reason ?? "");
        io.err(`${labelOf(uuid)}: cancelling\n`);
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        io.err(`${labelOf(uuid)}: ${error.message}\n`);
        exitCode = EXIT.failed;
      }
    }
    return exitCode;
  },
});

/** A container is wanted as long as any of its requests is. */
async function cancel(connection: Connection, uuid: string, reason: string): Promise<void> {
  if (isRequestId(uuid)) return cancelRequest(connection, uuid);
  if (connection.isEmbedded && (await cancelByDispatcher(connection, uuid, reason))) return;
  const requests = await listRequests(connection, [["container_uuid", "=", uuid]]);
  if (requests.length === 0) throw new CliError("the queue knows no such container");
  const open = requests.filter(({ state }) => state !== "Final");
  if (open.length === 0) throw new CliError("it has ended already");
  for (const request of open) await cancelRequest(connection, request.uuid);
}

/** False where it does not know it or will not: the queue's own word ends it then. */
async function cancelByDispatcher(
  connection: Connection,
  uuid: string,
  reason: string,
): Promise<boolean> {
  try {
    const path = `/dispatch/v1/containers/${uuid}/cancel`;
    await callApi(connection, { method: "POST", path, body: { reason }, token: "management" });
    return true;
  } catch (error) {
    if (error instanceof CliError) return false;
    throw error;
  }
}
