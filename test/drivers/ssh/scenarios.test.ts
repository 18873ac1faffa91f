import { afterEach, expect } from "vitest";
import { makeSshExecutor } from "../../../src/drivers/ssh/executor.ts";
import type { SshExecutor, VerifyHostKey } from "../../../src/drivers/ssh/port.ts";
import { SshError } from "../../../src/drivers/ssh/port.ts";
import { makeTagVerifier } from "../../../src/drivers/ssh/tag-verifier.ts";
import { portNumber, resolveTarget } from "../../../src/drivers/ssh/target.ts";
import { describeScenarios, type Scenario } from "../scenarios.ts";
import { endChannel, KEYS, publicBytes, startServer, type Exec } from "./ssh-server.ts";

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function executor(address: string, verifyHostKey: VerifyHostKey, defaultPort = ""): SshExecutor {
  const made = makeSshExecutor({
    target: { address, remoteUser: "username" },
    defaultPort,
    privateKey: KEYS.client.private,
    verifyHostKey,
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  });
  closers.push(() => made.close());
  return made;
}

async function server(onExec: (exec: Exec) => void) {
  const started = await startServer(onExec);
  closers.push(() => started.close());
  return started;
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  return promise.then(
    () => Promise.reject(new Error("it did not fail")),
    (error: unknown) => error as Error,
  );
}

const isRight: VerifyHostKey = async () => {};

/** Writes one line to each stream, then copies stdin to stdout. */
function echo(exitCode: number) {
  return ({ channel }: Exec) => {
    channel.stderr.write("stderr\n");
    channel.write("stdout\n");
    channel.on("data", (chunk: Buffer) => channel.write(chunk));
    channel.on("end", () => endChannel(channel, exitCode));
  };
}

async function execute({ given, then }: Scenario): Promise<void> {
  const [, , asserted] = then.steps;
  const ssh = await server(echo(asserted.error?.code ?? 0));
  const command = {
    command: given.command,
    stdin: given.stdin,
    env: given.env,
    timeoutMs: 10_000,
  };
  for (const [index, port] of ["", "0", String(ssh.port)].entries()) {
    const step = then.steps[index];
    const result = executor("127.0.0.1", isRight, port).execute(command);
    if (step.error_regex) {
      const error = await failureOf(result);
      expect(error.message).toMatch(new RegExp(step.error_regex));
      if (step.error_kind) expect(error).toMatchObject({ code: "network" });
    } else {
      const exitCode = step.error?.code ?? 0;
      expect(await result).toEqual({ exitCode, stdout: step.stdout, stderr: step.stderr });
      const [exec] = ssh.execs();
      expect({ command: exec?.command, env: exec?.env }).toEqual(step.server_saw);
    }
  }
}

async function execute2018({ given, then }: Scenario): Promise<void> {
  const exitCode = then.asserted.error?.code ?? 0;
  const ssh = await server(echo(exitCode));
  const { command, stdin } = given;
  expect(
    await executor(ssh.address, isRight).execute({ command, stdin, timeoutMs: 10_000 }),
  ).toEqual({ exitCode, stdout: then.asserted.stdout, stderr: then.asserted.stderr });
}

async function hostKeyCached({ given, then }: Scenario): Promise<void> {
  const keys = { A: KEYS.hostA, B: KEYS.hostB } as const;
  type Name = keyof typeof keys;
  const ssh = await server(({ channel }) => endChannel(channel, 0));
  const calls: string[] = [];
  const made = executor(ssh.address, async (key) => {
    calls.push(Object.keys(keys).find((name) => publicBytes(keys[name as Name]).equals(key))!);
  });
  for (const { key } of given.connections as { key: Name }[]) {
    await ssh.setHostKey(keys[key]);
    await made.execute({ command: "true", timeoutMs: 10_000 });
  }
  expect(ssh.connectionsCount()).toBe(given.connections.length);
  expect(calls).toEqual(then.verify_calls);
}

async function retryOnce({ then }: Scenario): Promise<void> {
  const ssh = await server(({ channel }) => endChannel(channel, 0));
  const made = executor(ssh.address, isRight);
  await made.execute({ command: "true", timeoutMs: 10_000 });
  ssh.drop();
  const before = ssh.connectionsCount();
  expect((await made.execute({ command: "true", timeoutMs: 10_000 })).exitCode).toBe(0);
  expect(ssh.connectionsCount() - before).toBe(then.connect_attempts);
  ssh.close();
  const error = await failureOf(made.execute({ command: "true", timeoutMs: 10_000 }));
  expect(error.message).toMatch(/connection refused/);
}

async function hostPort({ given, then }: Scenario): Promise<void> {
  const { host, port } = then;
  expect(resolveTarget(given.address, given.SSHPort)).toEqual({ host, port });
  if (port !== "") expect(portNumber(port)).toBeGreaterThan(0);
  if (then.error_on_execute) {
    const made = executor(given.address, isRight, given.SSHPort);
    const error = await failureOf(made.execute({ command: "true", timeoutMs: 10_000 }));
    expect(error.message).toBe(then.error_on_execute);
  }
}

async function tagVerifier({ given, then }: Scenario): Promise<void> {
  const commands: string[] = [];
  const verify = makeTagVerifier({
    driver: {
      async verifyHostKey() {
        if (given.driver_verify_result.startsWith("error")) {
          throw new Error(given.driver_verify_result);
        }
        return given.driver_verify_result === "ok" ? "verified" : "unsupported";
      },
    },
    instance: () => ({
      instanceId: "i-1",
      providerType: "t",
      address: "127.0.0.1",
      remoteUser: given.remote_user,
      tags: {},
    }),
    instanceSecret: () => given.instance_secret_tag,
    timeoutMs: 10_000,
  });
  const session = {
    async execute({ command }: { command: string }) {
      commands.push(command);
      const isFailing = given.cat_output === "exit 1";
      return { exitCode: isFailing ? 1 : 0, stdout: isFailing ? "" : given.cat_output, stderr: "" };
    },
  };
  const outcome = await verify(Buffer.from("key"), session).then(
    () => "ok",
    (error: unknown) => (error as Error).message,
  );
  if (then.result === "exit status error") expect(outcome).toMatch(/exit status 1/);
  else expect(outcome).toContain(then.result);
  expect(commands).toEqual(then.command === null ? [] : [then.command]);
}

describeScenarios("sshexecutor.json", {
  runs: {
    "arv.ssh.bad_host_key": async ({ then }) => {
      const ssh = await server(echo(0));
      const made = executor(ssh.address, async () => {
        throw new Error("host key failed verification: …");
      });
      const error = await failureOf(made.execute({ command: "true", timeoutMs: 10_000 }));
      expect(error).toBeInstanceOf(SshError);
      expect(error.message).toMatch(new RegExp(then.asserted.error_regex));
      expect(ssh.execs().length > 0).toBe(then.asserted.server_exec_called);
    },
    "arv.ssh.execute.*": execute,
    "drv.ssh.target_host_port.*": hostPort,
    "drv.ssh.host_key_cached": hostKeyCached,
    "drv.ssh.retry_once": retryOnce,
    "drv.ssh.tag_verifier.*": tagVerifier,
  },
});

describeScenarios("2018.sshexecutor.json", { runs: { "2018.ssh.execute.*": execute2018 } });
