import type { Clock } from "../actors/clock.ts";
import { SshError } from "../drivers/ssh/port.ts";
import type { SshCommand, SshExecutor, SshResult, SshTarget } from "../drivers/ssh/port.ts";
import type { SimulatedQueue } from "./simulated-queue.ts";
import { wait } from "./wait.ts";
import type { WorldTale } from "./world-event.ts";

/** How a VM behaves; all of it may change while it lives. */
export interface VmBehavior {
  /** Until then no SSH. */
  bootedAtMs: number;
  /** From then on it answers nothing, until it does again. */
  deafFromMs: number;
  deafUntilMs: number;
  /** From then on its host key is another one. */
  hostKeyChangesAtMs: number;
  /** From then on the boot probe fails. */
  unfitFromMs: number;
  /** From then on `--list` says `broken`. */
  brokenFromMs: number;
  /** From then on `--list` names thousands of made-up containers, too. */
  overlongFromMs: number;
  hasRunner: boolean;
  detachDelayMs: number;
  /** Share of the runners that die without a word, and of the dead ones whose lock stays held. */
  crashProbability: number;
  deadlockProbability: number;
  /** Runners ignore SIGTERM, and hang from then on. */
  stubborn: boolean;
  /** `--list` names each runner twice. */
  reportsTwice: boolean;
}

export const GOOD_VM: VmBehavior = {
  bootedAtMs: 0,
  deafFromMs: Infinity,
  deafUntilMs: Infinity,
  hostKeyChangesAtMs: Infinity,
  unfitFromMs: Infinity,
  brokenFromMs: Infinity,
  overlongFromMs: Infinity,
  hasRunner: true,
  detachDelayMs: 0,
  crashProbability: 0,
  deadlockProbability: 0,
  stubborn: false,
  reportsTwice: false,
};

/** Of containers that never were. */
const MADE_UP = Array.from(
  { length: 2_000 },
  (_, n) => `zzzzz-dz642-${n.toString(36).padStart(15, "madeup000000000")}\n`,
).join("");
/** The longest pause of a runner before it tries to reach the queue again. */
const RETRY_MAX_MS = 30_000;

interface Process {
  cancel: () => void;
  began: boolean;
  stale: boolean;
}

export interface SimulatedVmOptions {
  readonly instanceId?: string;
  readonly clock: Clock;
  readonly queue: SimulatedQueue;
  readonly behavior: VmBehavior;
  readonly random: () => number;
  readonly latencyMs: () => number;
  readonly tell?: (tale: WorldTale) => void;
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

  /** Containers that have a living runner here. */
  get runningIds(): string[] {
    return [...this.#processes].filter(([, { stale }]) => !stale).map(([id]) => id);
  }

  /** Containers whose command runs here now. */
  get begunIds(): string[] {
    return this.runningIds.filter((id) => this.#processes.get(id)?.began);
  }

  destroy(): void {
    this.destroyed = true;
    for (const [containerId, { cancel }] of [...this.#processes]) {
      cancel();
      this.#drop(containerId);
    }
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
        if (this.destroyed || nowMs < this.behavior.bootedAtMs || this.#isDeaf(nowMs))
          throw new SshError("network", "connection refused", { started: false });
        if (nowMs >= this.behavior.hostKeyChangesAtMs)
          throw new SshError("hostKey", "the host key has changed", { started: false });
        return this.#execute(command);
      },
    };
  }

  #isDeaf(nowMs: number): boolean {
    return nowMs >= this.behavior.deafFromMs && nowMs < this.behavior.deafUntilMs;
  }

  async #execute({ command }: SshCommand): Promise<SshResult> {
    if (!command.includes("crunch-run")) {
      const isUnfit = this.#options.clock.nowMs() >= this.behavior.unfitFromMs;
      return isUnfit ? failed(1, "not fit") : { exitCode: 0, stdout: "", stderr: "" };
    }
    if (!this.behavior.hasRunner) return failed(127, "crunch-run: command not found");
    if (command.includes(" --list")) return this.#list();
    const containerId = /([a-z0-9]{5}-dz642-[a-z0-9]{15})'?$/.exec(command)?.[1] ?? "";
    if (command.includes(" --kill ")) return this.#kill(containerId);
    if (command.includes(" --detach ")) return this.#detach(containerId);
    return failed(2, `unknown command: ${command}`);
  }

  #list(): SshResult {
    const nowMs = this.#options.clock.nowMs();
    let stdout = nowMs >= this.behavior.brokenFromMs ? "broken\n" : "";
    if (nowMs >= this.behavior.overlongFromMs) stdout += MADE_UP;
    for (const [id, { stale }] of this.#processes) {
      const line = stale ? `${id} stale\n` : `${id}\n`;
      stdout += this.behavior.reportsTwice ? line + line : line;
    }
    return { exitCode: 0, stdout, stderr: "" };
  }

  #kill(containerId: string): SshResult {
    const process = this.#processes.get(containerId);
    if (!process || process.stale) return { exitCode: 0, stdout: "", stderr: "" };
    // A runner that ignores signals hangs: its command never ends by itself either.
    process.cancel();
    if (this.behavior.stubborn) return failed(1, "still alive after 1 s");
    this.#options.queue.end(containerId, "Cancelled");
    this.#drop(containerId);
    return { exitCode: 0, stdout: "", stderr: "" };
  }

  async #detach(containerId: string): Promise<SshResult> {
    if (this.#processes.has(containerId)) return failed(1, `lock ${containerId}: in use`);
    const { clock, tell, instanceId = "" } = this.#options;
    // The lock is taken at once; the record is moved when the child gets there.
    const process: Process = { cancel: () => {}, began: false, stale: false };
    process.cancel = clock.setTimer(this.behavior.detachDelayMs, () =>
      this.#begin(containerId, process),
    );
    this.#processes.set(containerId, process);
    tell?.({ type: "process.detached", instanceId, containerId });
    await this.#wait(this.behavior.detachDelayMs);
    return { exitCode: 0, stdout: "{}\n", stderr: "" };
  }

  #begin(containerId: string, process: Process): void {
    const { clock, queue, random, tell, instanceId = "" } = this.#options;
    if (queue.isDown) {
      this.#tryLater(process, () => this.#begin(containerId, process));
      return;
    }
    const container = queue.containers.get(containerId);
    if (this.destroyed || !container || !queue.begin(containerId)) {
      this.#drop(containerId);
      return;
    }
    process.began = true;
    tell?.({ type: "process.began", instanceId, containerId });
    const crashes = random() < this.behavior.crashProbability;
    const lastsMs = crashes ? container.durationMs * random() : container.durationMs;
    process.cancel = clock.setTimer(lastsMs, () => {
      if (crashes) this.#crash(containerId, process);
      else this.#complete(containerId, process);
    });
  }

  #complete(containerId: string, process: Process): void {
    const { queue } = this.#options;
    if (queue.isDown) {
      this.#tryLater(process, () => this.#complete(containerId, process));
      return;
    }
    queue.end(containerId, "Complete");
    this.#drop(containerId);
  }

  /** A runner lives on until the queue has heard what it has to say. */
  #tryLater(process: Process, tell: () => void): void {
    const { clock, queue, random } = this.#options;
    process.cancel = queue.whenUp(() => {
      process.cancel = clock.setTimer(random() * RETRY_MAX_MS, tell);
    });
  }

  #crash(containerId: string, process: Process): void {
    if (this.#options.random() < this.behavior.deadlockProbability) {
      process.stale = true;
      this.#tellDied(containerId);
    } else this.#drop(containerId);
  }

  #drop(containerId: string): void {
    if (this.#processes.get(containerId)?.stale === false) this.#tellDied(containerId);
    this.#processes.delete(containerId);
  }

  #tellDied(containerId: string): void {
    this.#options.tell?.({
      type: "process.died",
      instanceId: this.#options.instanceId ?? "",
      containerId,
    });
  }

  #wait(delayMs: number): Promise<void> {
    return wait(this.#options.clock, delayMs);
  }
}

function failed(exitCode: number, stderr: string): SshResult {
  return { exitCode, stdout: "", stderr };
}
