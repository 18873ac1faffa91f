import { makeArvadosQueue } from "../../../../src/drivers/queue/arvados/queue.ts";
import { describeQueue } from "../../../conformance/queue.ts";
import { serveEmbedded } from "../serve.ts";

const CONTAINERS = "/arvados/v1/containers";
const REQUESTS = "/arvados/v1/container_requests";

describeQueue("the client of the embedded queue over HTTP", async () => {
  const { client, close } = await serveEmbedded();
  const requestIds = new Map<string, string>();
  let priority = 500;
  const update = (containerId: string, container: object) =>
    client.request("PUT", `${CONTAINERS}/${containerId}`, { container, select: ["uuid"] });
  return {
    queue: makeArvadosQueue({ client }),
    close,
    async submit({ first = false, supervisor = false, tmpBytes } = {}) {
      const request = {
        command: ["true"],
        runtime_constraints: { vcpus: 1, ram: 1024 },
        scheduling_parameters: { supervisor },
        mounts:
          tmpBytes === undefined
            ? {}
            : { "/tmp": { kind: "tmp", capacity: tmpBytes }, "/in": { kind: "text", capacity: 7 } },
        priority: first ? 1000 : priority--,
      };
      const made = (await client.request("POST", REQUESTS, { container_request: request })) as {
        uuid: string;
        container_uuid: string;
      };
      requestIds.set(made.container_uuid, made.uuid);
      return made.container_uuid;
    },
    async giveUp(containerId) {
      const container_request = { priority: 0 };
      await client.request("PUT", `${REQUESTS}/${requestIds.get(containerId)}`, {
        container_request,
      });
    },
    async report(containerId, state) {
      await update(containerId, state === "Complete" ? { state, exit_code: 0 } : { state });
    },
    async errorOf(containerId) {
      const record = (await client.request("GET", `${CONTAINERS}/${containerId}`)) as {
        runtime_status: { error?: string };
      };
      return record.runtime_status.error;
    },
  };
});
