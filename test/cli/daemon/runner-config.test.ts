import { describe, expect, it } from "vitest";
import { makeRunnerConfig } from "../../../src/cli/daemon/runner-config.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { makeAttemptTokens } from "../../../src/http/attempt-tokens.ts";
import type { WorkerContext } from "../../../src/machines/worker/worker.types.ts";
import { containerId } from "../../support/containers.ts";

const ROOT = "rootrootrootrootrootrootrootrootroot";
const C1 = containerId(1);
const WORKER = { instanceType: "small", address: "10.0.0.1" } as WorkerContext;

/** What a runner is sent, with a keepstore asked for, as sites have it by default. */
function sentBy(queueDriver: "embedded" | "arvados", lockCount: number | undefined) {
  const text = JSON.stringify({
    Clusters: {
      zzzzz: {
        SystemRootToken: ROOT,
        ManagementToken: "managementmanagementmanagementmana",
        DispatchCloud: { Queue: { Driver: queueDriver } },
        Containers: { LocalKeepBlobBuffersPerVCPU: 1 },
        InstanceTypes: { small: { VCPUs: 2, RAM: "1GiB", Price: 0.02 } },
      },
    },
  });
  const host = { cpus: 1, ramBytes: 1, tmpBytes: 1 };
  const { config, document } = loadConfig(text, { env: {}, sourceName: "test", host });
  if (!config || !document) throw new Error("the config cannot be used");
  const secrets = { systemRootToken: ROOT, managementToken: "", privateKey: "", publicKey: "" };
  const options = { config, document, secrets, dataDir: "/nowhere" };
  const queue = { apiHost: "http://127.0.0.1:1", lockCountOf: () => lockCount };
  return makeRunnerConfig(options, queue)(WORKER, C1);
}

describe("what a runner is sent", () => {
  it("holds the token of its attempt, and the root token in no form, with the embedded queue", () => {
    const sent = sentBy("embedded", 2);
    const token = makeAttemptTokens(ROOT).tokenOf({ containerId: C1, number: 2 });
    expect(sent?.Env["ARVADOS_API_TOKEN"]).toBe(token);
    expect(JSON.stringify(sent)).not.toContain(ROOT);
    expect(sent).toMatchObject({ KeepBuffers: 0, Cluster: null });
  });

  it("is nothing where its attempt is not known", () => {
    expect(sentBy("embedded", undefined)).toBeUndefined();
  });

  it("is as in the original with a controller: the root token, and the configuration for a keepstore", () => {
    const sent = sentBy("arvados", 2);
    expect(sent?.Env["ARVADOS_API_TOKEN"]).toBe(ROOT);
    expect(sent).toMatchObject({ KeepBuffers: 2, Cluster: { SystemRootToken: ROOT } });
  });
});
