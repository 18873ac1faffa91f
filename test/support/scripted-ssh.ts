import { InstanceDirectory } from "../../src/actors/instance-directory.ts";
import type { RunnerBinary } from "../../src/actors/runner-binary.ts";
import { Sessions } from "../../src/actors/sessions.ts";
import { WorkerCalls } from "../../src/actors/worker-calls.ts";
import type { WorkerCallsOptions } from "../../src/actors/worker-calls.ts";
import type { SshCommand, SshResult } from "../../src/drivers/ssh/port.ts";

export type Answer = Partial<SshResult> | Error;

/** WorkerCalls over connections that answer what a test says, and remember what they were asked. */
export class ScriptedSsh {
  readonly commands: SshCommand[] = [];
  readonly closed: string[] = [];
  readonly targets: string[] = [];
  readonly directory = new InstanceDirectory();
  readonly sessions: Sessions;
  readonly calls: WorkerCalls;
  answer: (command: string) => Answer | Promise<Answer>;

  constructor(
    answer: (command: string) => Answer | Promise<Answer>,
    changes: Partial<WorkerCallsOptions> & { remoteUser?: string } = {},
  ) {
    this.answer = answer;
    const { remoteUser = "root", ...options } = changes;
    for (const instanceId of ["i-1", "i-2", "i-3"])
      this.directory.set({
        instanceId,
        providerType: "providertype1",
        address: "10.0.0.1",
        remoteUser,
        tags: {},
      });
    this.sessions = new Sessions((instanceId, target, onConnected) => ({
      setTarget: ({ address }) => void this.targets.push(address),
      close: () => void this.closed.push(instanceId),
      execute: async (command) => {
        this.targets.push(target.address);
        this.commands.push(command);
        const answered = await this.answer(command.command);
        if (answered instanceof Error) throw answered;
        onConnected();
        return { exitCode: 0, stdout: "", stderr: "", ...answered };
      },
    }));
    this.calls = new WorkerCalls({
      clusterId: "zzzzz",
      sessions: this.sessions,
      directory: this.directory,
      bootProbeCommand: "bootprobe",
      crunchRunCommand: "crunch-run",
      deployDirectory: "/var/run/arvados",
      runnerBinary: undefined,
      runtimeEngine: "docker",
      extraArguments: [],
      commandTimeoutMs: 60_000,
      stdinConfig: () => ({ Env: {}, KeepBuffers: 0, EC2SpotCheck: false, Cluster: null }),
      onConnected: () => {},
      onRunnerProgress: () => {},
      clean: (text) => text,
      ...options,
    });
  }

  get texts(): string[] {
    return this.commands.map(({ command }) => command);
  }

  get stdin(): string {
    return this.commands.map(({ stdin = "" }) => stdin.toString()).join("");
  }
}

export function binary(content: string, md5: string): RunnerBinary {
  return { load: async () => ({ content: async () => Buffer.from(content), md5 }) };
}

/** One that is large enough to be sent gzipped. */
export function largeBinary(content: string, gzipped: string, md5: string): RunnerBinary {
  const runner = { content: async () => Buffer.from(content), md5 };
  return { load: async () => ({ ...runner, gzipped: async () => Buffer.from(gzipped) }) };
}
