import type { Clock } from "../actors/clock.ts";
import { SshError } from "../drivers/ssh/port.ts";
import type { SshCommand, SshExecutor, SshResult, SshTarget } from "../drivers/ssh/port.ts";
import type { SimulatedQueue } from "./simulated-queue.ts";

/** How a VM behaves; all of it may change while it lives. */
export interface VmBehavior {
  /** Until then no SSH. */
  bootedAtMs: number;
  /** From then on it answers nothing. */
  deafFromMs: number;
  /** From then on `--list` says `broken`. */
  brokenFromMs: number;
  hasRunner: boolean;
  detachDelayMs: number;
  /** Share of the runners that die without a word, and of the dead ones whose lock stays held. */
  crashProbability: number;
  deadlockProbability: number;
  /** Runners ignore SIGTERM. */
  stubborn: boolean;
}

export const GOOD_VM: VmBehavior = {
  bootedAtMs: 0,
  deafFromMs: Infinity,
  brokenFromMs: Infinity,
  hasRunner: true,
  detachDelayMs: 0,
  crashProbability: 0,
  deadlockProbability: 0,
  stubborn: false,
};

interface Process {
  readonly cancel: () => void;
  stale: boolean;
}

export interface SimulatedVmOptions {
  readonly clock: Clock;
  readonly queue: SimulatedQueue;
  readonly behavior: VmBehavior;
  readonly random: () => number;
  readonly latencyMs: () => number;
}

/** A VM seen from outside: an SSH server whose crunch-run runs containers on the simulation's clock. */
export class SimulatedVm {
  readonly behavior: VmBehavior;
  readonly #options: SimulatedVmOptions;
  readonly #processes = new Map<string, Process>();
  destroyed = false;

  constructor(options: SimulatedVmOptions) {
    this.#options = options;
    this.behavior = options.behavior;
  }

  /** Containers whose command runs here now. */
  get runningIds(): string[] {
    return [...this.#processes].filter(([, { stale }]) => !stale).map(([id]) => id);
  }

  destroy(): void {
    this.destroyed = true;
    for (const { cancel } of this.#processes.values()) cancel();
    this.#processes.clear();
  }

  open(): SshExecutor {
    let closed = false;
    return {
      setTarget: (_target: SshTarget) => {},
      close: () => {
        closed = true;
      },
      execute: async (command: SshCommand): Promise<SshResult> => {
        await this.#wait(this.#options.latencyMs());
        if (closed) throw new SshError("closed", "the connection is closed", { started: false });
        const nowMs = this.#options.clock.nowMs();
        if (this.destroyed || nowMs < this.behavior.bootedAtMs || nowMs >= this.behavior.deafFromMs)
          throw new SshError("network", "connection refused", { started: false });
        return this.#execute(command);
      },
    };
  }

  async #execute({ command }: SshCommand): Promise<SshResult> {
    if (!command.includes("crunch-run")) return { exitCode: 0, stdout: "", stderr: "" };
    if (!this.behavior.hasRunner) return failed(127, "crunch-run: command not found");
    if (command.includes(" --list")) return this.#list();
    const containerId = /([a-z0-9]{5}-dz642-[a-z0-9]{15})'?$/.exec(command)?.[1] ?? "";
    if (command.includes(" --kill ")) return this.#kill(containerId);
    if (command.includes(" --detach ")) return this.#detach(containerId);
    return failed(2, `unknown command: ${command}`);
  }

  #list(): SshResult {
    const lines: string[] = [];
    if (this.#options.clock.nowMs() >= this.behavior.brokenFromMs) lines.push("broken");
    for (const [id, { stale }] of this.#processes) lines.push(stale ? `${id} stale` : id);
    return { exitCode: 0, stdout: lines.map((line) => `${line}\n`).join(""), stderr: "" };
  }

  #kill(containerId: string): SshResult {
    const process = this.#processes.get(containerId);
    if (!process || process.stale) return { exitCode: 0, stdout: "", stderr: "" };
    if (this.behavior.stubborn) return failed(1, "still alive after 1 s");
    process.cancel();
    this.#processes.delete(containerId);
    this.#options.queue.end(containerId, "Cancelled");
    return { exitCode: 0, stdout: "", stderr: "" };
  }

  async #detach(containerId: string): Promise<SshResult> {
    if (this.#processes.has(containerId)) return failed(1, `lock ${containerId}: in use`);
    const { clock, queue } = this.#options;
    // The lock is taken at once; the record is moved when the child gets there.
    const process: Process = { cancel: () => begin(), stale: false };
    const begin = clock.setTimer(this.behavior.detachDelayMs, () =>
      this.#begin(containerId, process),
    );
    this.#processes.set(containerId, process);
    void queue;
    await this.#wait(this.behavior.detachDelayMs);
    return { exitCode: 0, stdout: "{}\n", stderr: "" };
  }

  #begin(containerId: string, process: Process): void {
    const { clock, queue, random } = this.#options;
    const container = queue.containers.get(containerId);
    if (this.destroyed || !container || !queue.begin(containerId)) {
      this.#processes.delete(containerId);
      return;
    }
    const crashes = random() < this.behavior.crashProbability;
    const lastsMs = crashes ? container.durationMs * random() : container.durationMs;
    const cancel = clock.setTimer(lastsMs, () => {
      if (crashes) this.#crash(containerId, process);
      else {
        queue.end(containerId, "Complete");
        this.#processes.delete(containerId);
      }
    });
    Object.assign(process, { cancel });
  }

  #crash(containerId: string, process: Process): void {
    if (this.#options.random() < this.behavior.deadlockProbability) process.stale = true;
    else this.#processes.delete(containerId);
  }

  #wait(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.setTimer(delayMs, resolve));
  }
}

function failed(exitCode: number, stderr: string): SshResult {
  return { exitCode, stdout: "", stderr };
}
