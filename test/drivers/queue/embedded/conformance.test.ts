import { makeArvadosQueue } from "../../../../src/drivers/queue/arvados/queue.ts";
import { expect, it } from "vitest";
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

it("tells its own client with each lock, and with each poll, which attempt that begins", async () => {
  const { client, close } = await serveEmbedded();
  try {
    const container_request = { command: ["x"], runtime_constraints: { vcpus: 1, ram: 1024 } };
    const made = await client.request("POST", REQUESTS, { container_request });
    const { container_uuid: uuid } = made as { container_uuid: string };
    const open = () => makeArvadosQueue({ client, extras: ["lock_count"] });
    const [queue, plain] = [open(), makeArvadosQueue({ client })];
    const { signal } = new AbortController();
    await queue.poll([], signal);
    expect(queue.lockCountOf(uuid)).toBeUndefined();
    await queue.lock(uuid, signal);
    expect(queue.lockCountOf(uuid)).toBe(1);
    await queue.unlock(uuid, signal);
    const poll = queue.poll([], signal);
    await queue.lock(uuid, signal);
    // Whatever the poll has seen, which began before.
    await poll;
    expect(queue.lockCountOf(uuid)).toBe(2);
    // After a restart nothing but a poll can tell.
    const restarted = open();
    const { entries } = await restarted.poll([], signal);
    expect(restarted.lockCountOf(uuid)).toBe(2);
    // Nothing of it gets into the journal.
    expect(JSON.stringify([...entries.values()])).not.toMatch(/lock_?count/i);
    await plain.poll([], signal);
    expect(plain.lockCountOf(uuid)).toBeUndefined();
  } finally {
    await close();
  }
});

it("tells its own client the name of a request, and how a container ended, and others neither", async () => {
  const { client, close } = await serveEmbedded();
  try {
    const container_request = {
      name: "nightly",
      command: ["false"],
      runtime_constraints: { vcpus: 1, ram: 1024 },
    };
    const made = (await client.request("POST", REQUESTS, { container_request })) as {
      container_uuid: string;
    };
    const uuid = made.container_uuid;
    const queue = makeArvadosQueue({ client, extras: ["request_name"] });
    const { signal } = new AbortController();
    expect((await queue.poll([], signal)).entries.get(uuid)?.name).toBe("nightly");
    const plain = await makeArvadosQueue({ client }).poll([], signal);
    expect(plain.entries.get(uuid)).not.toHaveProperty("name");
    expect(await client.request("GET", `${CONTAINERS}/${uuid}`)).not.toHaveProperty("request_name");
    await queue.lock(uuid, signal);
    const update = (container: object) =>
      client.request("PUT", `${CONTAINERS}/${uuid}`, { container, select: ["uuid"] });
    await update({ state: "Running" });
    const runtime_status = { warning: "out of memory: told by the kernel" };
    await update({ state: "Complete", exit_code: 137, runtime_status });
    const { ends } = await queue.poll([uuid], signal);
    expect(ends.get(uuid)).toEqual({
      exitCode: 137,
      error: "",
      warning: "out of memory: told by the kernel",
    });
  } finally {
    await close();
  }
});
