import { createHmac } from "node:crypto";
import { expect } from "vitest";
import {
  gatewayAddress,
  killCommand,
  startCommand,
  stdinConfig,
} from "../../src/actors/crunch-run-commands.ts";
import { dueAtMs } from "../../src/machines/core/due.ts";
import { instanceType } from "../support/settings.ts";
import { describeScenarios, type Scenario } from "../drivers/scenarios.ts";
import { FactSink } from "../support/fact-sink.ts";
import { binary, ScriptedSsh } from "../support/scripted-ssh.ts";
import type { Answer } from "../support/scripted-ssh.ts";
import { C1, WorkerRig } from "../support/worker-rig.ts";

/** Deploys to a worker whose shell answers so; what was run there. */
async function deploy(
  runner: string,
  remoteUser: string,
  answer: (command: string) => Answer,
): Promise<ScriptedSsh> {
  const [, directory = "", md5 = ""] = /^(.*)\/crunch-run~(.*)$/.exec(runner) ?? [];
  const ssh = new ScriptedSsh(answer, {
    remoteUser,
    deployDirectory: directory,
    runnerBinary: binary("binary content", md5),
  });
  const sink = new FactSink();
  const worker = sink.known.get("worker", sink.booting());
  expect(worker && (await ssh.calls.deploy(worker.context))).toEqual({ ok: true });
  return ssh;
}

async function startCommandCase({ given, then }: Scenario): Promise<void> {
  const call = { runnerCommand: given.runner_cmd, remoteUser: given.remote_user };
  const command = startCommand(call, {
    runtimeEngine: given.RuntimeEngine,
    extraArguments: given.CrunchRunArgumentsList,
    containerId: given.container,
  });
  expect(command).toBe(then.command);
  const ssh = new ScriptedSsh(() => ({}));
  const sink = new FactSink();
  const worker = sink.known.get("worker", sink.booting());
  if (worker) await ssh.calls.start(worker.context, given.container);
  expect(Object.keys(JSON.parse(ssh.stdin))).toEqual(then.stdin_json_keys);
}

function stdinConfigCase({ given, then }: Scenario): void {
  const type = given.instance_type;
  const config = stdinConfig({
    containerId: given.container,
    instanceType: {
      ...instanceType(1),
      providerType: type.ProviderType,
      vcpus: type.VCPUs,
      ram: type.RAM,
      price: type.Price,
      preemptible: type.Preemptible,
    },
    instanceAddress: given.instance_address,
    apiHost: given.api_host,
    apiToken: given.SystemRootToken,
    systemRootToken: given.SystemRootToken,
    insecure: given.TLS_Insecure,
    driver: given.Driver,
    localKeepBlobBuffersPerVcpu: given.LocalKeepBlobBuffersPerVCPU,
    clusterConfig: { secret: true },
    hmacHex: (key, message) => createHmac("sha256", key).update(message).digest("hex"),
  });
  const { InstanceType: typeJson = "", ...env } = config.Env;
  const { InstanceType: _words, ...wanted } = then.Env;
  expect({ ...config, Env: env }).toEqual({ ...then, Env: wanted });
  expect(typeJson).toMatch(/^\{\n {4}"ProviderType": "m5.large",\n {4}"VCPUs": 2,/);
  expect(typeJson.endsWith("}\n")).toBe(true);
  const keys = "ProviderType,VCPUs,RAM,IncludedScratch,AddedScratch,Price,Preemptible,GPU";
  expect(Object.keys(JSON.parse(typeJson)).join()).toBe(keys);
}

function killSchedule({ given, then }: Scenario): void {
  const rig = WorkerRig.running([C1], { timeoutSignalMs: 5_000, timeoutTermMs: 120_000 });
  const sinceMs = rig.nowMs;
  const sentAtS: number[] = [];
  const note = (): void => {
    if (rig.kinds.includes("process.kill")) sentAtS.push((rig.nowMs - sinceMs) / 1000);
  };
  rig.killDecided();
  expect(rig.told).toEqual(["process.killing"]);
  note();
  for (;;) {
    const nextAtMs = dueAtMs("worker", rig.snapshot);
    if (nextAtMs === null) break;
    rig.killReturned(false);
    rig.nowMs = nextAtMs;
    rig.ticked();
    note();
    // A second call has no effect.
    if (rig.state === "running") expect(rig.killDecided().kinds).toEqual([]);
  }
  expect(sentAtS).toEqual(then.commands_at_s);
  const call = { runnerCommand: given.runner_cmd, remoteUser: given.remote_user };
  expect(killCommand(call, { signal: 15, containerId: "<uuid>" })).toBe(then.command);
  expect([rig.nowMs - sinceMs, rig.behavior, rig.state]).toEqual([120_000, "drain", "shutdown"]);
}

function killSuccess({ given, then }: Scenario): void {
  const sink = new FactSink();
  const workerId = sink.booting();
  const [container] = given.worker.running;
  sink.listing(workerId, given.worker.running);
  expect(sink.worker(workerId).state).toBe(given.worker.state);
  void sink.submit({ type: "kill.requested", containerId: container, reason: "test" });
  const commandId = `j1-${sink.seq}-1`;
  const returned = { commandId, workerId, containerId: container, gone: true, error: "" };
  void sink.submit({ type: "kill.returned", ...returned });
  const { state, running } = sink.worker(workerId);
  expect([state, running]).toEqual([then.state, then.running]);
  const process = (): string | undefined => sink.known.get("container", container)?.value.process;
  expect([then.running_map_still_contains, process()]).toEqual([container, "exited"]);
  sink.decide([{ do: "kill", container, reason: "not in queue" }]);
  expect(process()).toBeUndefined();
}

describeScenarios("worker.runner.json", {
  runs: {
    "drv.pool.start_command": startCommandCase,
    "drv.pool.stdin_config": stdinConfigCase,
    "drv.pool.gateway_address_ipv6": ({ given, then }) => {
      expect(gatewayAddress(given.instance_address)).toBe(then.GatewayAddress);
    },
    "drv.pool.kill_schedule": killSchedule,
    "drv.pool.kill_success": killSuccess,
    "drv.pool.deploy_command": async ({ given, then }) => {
      const ssh = await deploy(given.runner_cmd, given.remote_user, (command) =>
        command.startsWith("md5sum") ? { exitCode: 1, stderr: "no such file" } : {},
      );
      expect(ssh.texts).toEqual(then.commands);
      expect(ssh.commands[1]?.stdin?.toString()).toBe(then.stdin_of_second);
    },
    "drv.pool.deploy_skipped": async ({ given, then }) => {
      const stdout = given.md5sum_stdout;
      const ssh = await deploy(given.runner_cmd, "root", () => ({ stdout }));
      expect(ssh.texts).toEqual(then.commands);
    },
  },
});
