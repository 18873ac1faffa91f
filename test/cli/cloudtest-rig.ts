import { expect } from "vitest";
import { makeTestPlan, type PlanChoices } from "../../src/cli/cloudtest/plan.ts";
import { StepLog, type StepName } from "../../src/cli/cloudtest/step-log.ts";
import { testInstance, type TestResult } from "../../src/cli/cloudtest/tester.ts";
import { loadConfig } from "../../src/config/load.ts";
import { forward } from "../../src/drivers/cloud/forward.ts";
import type { Instance, InstanceSet } from "../../src/drivers/cloud/port.ts";
import type { SshCommand, SshResult } from "../../src/drivers/ssh/port.ts";
import { SshError } from "../../src/drivers/ssh/port.ts";
import { Chance } from "../../src/simulator/chance.ts";
import { SimulatedCloud } from "../../src/simulator/simulated-cloud.ts";
import { SimulatedQueue } from "../../src/simulator/simulated-queue.ts";
import { GOOD_VM, SimulatedVm } from "../../src/simulator/simulated-vm.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";
import { instanceType } from "../support/settings.ts";

export const SET_ID = "test-instance-set-id";
export const PREFIX = "tagprefix:";
const START_MS = 1_767_225_600_000;
const HOUR_MS = 3_600_000;

export interface RigOptions {
  readonly seed?: number;
  /** Inside of `CloudVMs`, over intervals of milliseconds as the scenarios have them. */
  readonly cloudVMs?: Record<string, unknown>;
  readonly choices?: Partial<PlanChoices>;
  readonly latencyMs?: number;
  readonly bootMs?: number;
  /** What the instance's shell answers; default: knows `crunch-run` and `true`. */
  readonly shell?: (command: string) => SshResult;
  /** Puts a driver with faults of its own in front. */
  readonly driver?: (inner: InstanceSet, rig: Rig) => Partial<InstanceSet>;
  readonly waitBeforeDestroy?: (stop: AbortSignal) => Promise<void>;
}

/** A run of cloudtest on a simulated account, on virtual time. */
export class Rig {
  readonly clock = new VirtualClock(START_MS);
  readonly cloud: SimulatedCloud;
  readonly plan;
  readonly steps: StepLog;
  readonly calls: string[] = [];
  readonly commands: string[] = [];
  readonly interrupt = new AbortController();
  readonly giveUp = new AbortController();
  readonly #options: RigOptions;
  #log = "";

  constructor(options: RigOptions = {}) {
    this.#options = options;
    const { clock } = this;
    const chance = new Chance(options.seed ?? 1);
    const random = () => chance.next();
    const latencyMs = () => options.latencyMs ?? 0;
    const queue = new SimulatedQueue({ clock, latencyMs, maxDispatchAttempts: 1 });
    this.cloud = new SimulatedCloud({
      clock,
      random,
      latencyMs,
      makeVm: () => {
        const behavior = { ...GOOD_VM, bootedAtMs: clock.nowMs() + (options.bootMs ?? 5) };
        return new SimulatedVm({ clock, queue, random, latencyMs, behavior });
      },
    });
    this.plan = makeTestPlan(configOf(options.cloudVMs ?? {}), {
      type: instanceType(2),
      instanceSetId: SET_ID,
      imageId: "test-image-id",
      command: "true",
      destroyExisting: false,
      publicKey: "ssh-ed25519 AAAA",
      pid: 4711,
      ...options.choices,
    });
    this.steps = new StepLog({
      clock,
      write: (line) => (this.#log += line),
      clean: (text) => text,
    });
  }

  get log(): string {
    return this.#log;
  }

  get secret(): string {
    return this.plan.tags[this.plan.secretTag] ?? "";
  }

  /** How the step ended; undefined if it was not reached. */
  outcomeOf(step: StepName): string | undefined {
    return this.steps.results.findLast((result) => result.step === step)?.outcome;
  }

  messageOf(step: StepName): string {
    return this.steps.results.findLast((result) => result.step === step)?.message ?? "";
  }

  spanOf(step: StepName): number {
    return this.steps.results.findLast((result) => result.step === step)?.durationMs ?? NaN;
  }

  /** An instance that is there before the run. */
  async existing(instanceSetId: string): Promise<Instance> {
    const tags = { [this.plan.setIdTag]: instanceSetId };
    const { type, imageId, initCommand, publicKey } = this.plan;
    const created = this.cloud.create({ type, imageId, tags, initCommand, publicKey });
    await this.clock.run({ untilMs: this.clock.nowMs() + 1_000 });
    return created;
  }

  at(delayMs: number, action: () => void): void {
    this.clock.setTimer(delayMs, action);
  }

  /** Runs to the end, which must come within an hour. */
  async run(): Promise<TestResult> {
    const { clock, plan, steps, interrupt, giveUp } = this;
    let isOver = false;
    const running = testInstance({
      cloud: this.#driver(),
      clock,
      plan,
      steps,
      openSession: (latest) => this.#session(latest),
      waitBeforeDestroy: this.#options.waitBeforeDestroy,
      interrupted: interrupt.signal,
      givenUp: giveUp.signal,
    }).finally(() => (isOver = true));
    // Looked at below.
    running.catch(() => undefined);
    const ended = await clock.run({ untilMs: clock.nowMs() + HOUR_MS, done: () => isOver });
    expect(ended, `it never ends:\n${this.log}`).toBe(true);
    return running;
  }

  #driver(): InstanceSet {
    const counted: InstanceSet = {
      ...forward(this.cloud),
      create: (request) => {
        this.calls.push("create");
        return this.cloud.create(request);
      },
      destroy: (instanceId) => {
        this.calls.push(`destroy ${instanceId}`);
        return this.cloud.destroy(instanceId);
      },
    };
    return { ...counted, ...this.#options.driver?.(counted, this) };
  }

  #session(latest: () => Instance) {
    let address = "";
    return {
      setTarget: (target: { address: string }) => void (address = target.address),
      close: () => {},
      execute: async ({ command, timeoutMs }: SshCommand): Promise<SshResult> => {
        expect(timeoutMs).toBeGreaterThan(0);
        if (address === "")
          throw new SshError("noAddress", "instance has no address", { started: false });
        const vm = this.cloud.vm(latest().instanceId);
        if (!vm) throw new SshError("network", "no route to host", { started: false });
        // Whether it answers at all is the VM's affair, what it says is the shell's.
        await vm.open().execute({ command: "true", timeoutMs });
        this.commands.push(command);
        return (this.#options.shell ?? shell)(command);
      },
    };
  }
}

/** The shell of the original's stub VM. */
export function shell(command: string): SshResult {
  const [word = ""] = command.split(" ");
  if (word === "crunch-run" || word === "true") return { exitCode: 0, stdout: "", stderr: "" };
  return { exitCode: 127, stdout: "", stderr: `"${word}": command not found\n` };
}

function configOf(cloudVMs: Record<string, unknown>) {
  const cluster = {
    SystemRootToken: "a".repeat(40),
    ManagementToken: "b".repeat(40),
    InstanceTypes: { type2: { VCPUs: 2, RAM: "2GiB", Price: 0.246 } },
    Containers: {
      CloudVMs: {
        Driver: "loopback",
        SyncInterval: "10ms",
        TimeoutBooting: "150ms",
        ProbeInterval: "5ms",
        BootProbeCommand: "crunch-run --list",
        TagKeyPrefix: PREFIX,
        ResourceTags: { testtagkey: "testtagvalue" },
        ...cloudVMs,
      },
    },
  };
  const { config, findings } = loadConfig(JSON.stringify({ Clusters: { zzzzz: cluster } }), {
    env: {},
    sourceName: "test",
    host: { cpus: 1, ramBytes: 1, tmpBytes: 1 },
  });
  if (!config) throw new Error(JSON.stringify(findings));
  return config;
}
