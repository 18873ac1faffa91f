import type { Clock } from "../actors/clock.ts";
import { SshError } from "../drivers/ssh/port.ts";
import type { SshCommand, SshExecutor, SshResult, SshTarget } from "../drivers/ssh/port.ts";
import type { Faults } from "./faults.ts";
import { wait } from "./wait.ts";

/** A slow command still comes back within its time. */
const SLOW_MAX_MS = 12_000;
/** A late one arrives while a start may still turn up (specification §7.7). */
const LATE_MAX_MS = 60_000;

export interface FaultySessionOptions {
  readonly session: SshExecutor;
  readonly faults: Faults;
  /** The dispatcher's own. */
  readonly clock: Clock;
  /** The world's, on which goes on what is on its way when a dispatcher is killed. */
  readonly worldClock: Clock;
  /** Where the VM is now; undefined when it is gone. */
  readonly address: () => string | undefined;
  /** It is called for the first time. */
  readonly onAsked: () => void;
  /** It is called at an address that is not its own. */
  readonly onMissed: (address: string) => void;
  readonly onListed: () => void;
  /** Of an answer on its way back. */
  readonly latencyMs: () => number;
}

/** A connection to a VM on a bad day. */
export class FaultySession implements SshExecutor {
  readonly #options: FaultySessionOptions;
  #address: string;
  #asked = false;

  constructor(target: SshTarget, options: FaultySessionOptions) {
    this.#address = target.address;
    this.#options = options;
  }

  setTarget({ address }: SshTarget): void {
    this.#address = address;
  }

  close(): void {
    this.#options.session.close();
  }

  async execute(command: SshCommand): Promise<SshResult> {
    const { session, faults, address, onAsked, onMissed, onListed, latencyMs } = this.#options;
    if (this.#address === "")
      throw new SshError("noAddress", "the instance has no address yet", { started: false });
    if (!this.#asked) onAsked();
    this.#asked = true;
    if (this.#address !== address()) {
      onMissed(this.#address);
      throw new SshError("network", "no route to host", { started: false });
    }
    if (faults.happens("sshRefused"))
      throw new SshError("refused", "connection refused", { started: false });
    if (faults.happens("sshHangs")) return this.#hang(command);
    if (faults.happens("sshLate")) return this.#comeLate(command);
    const isList = command.command.includes(" --list");
    const isProbe = isList || !command.command.includes("crunch-run");
    if (isProbe && faults.happens("probeFails"))
      return { exitCode: 1, stdout: "", stderr: "no space left on device" };
    const slowMs = faults.happens("sshSlow") ? faults.chance("sshSlow").between(0, SLOW_MAX_MS) : 0;
    const onTheWay = slowMs > 0 && faults.chance("sshSlow").happens(0.5);
    if (onTheWay) await this.#wait(slowMs);
    const result = await session.execute(command);
    await this.#wait(onTheWay ? latencyMs() : slowMs + latencyMs());
    if (faults.happens("sshReset"))
      throw new SshError("lost", "the connection was reset", { started: true });
    if (isList && result.exitCode === 0) onListed();
    return result;
  }

  #wait(delayMs: number): Promise<void> {
    return wait(this.#options.clock, delayMs);
  }

  async #comeLate(command: SshCommand): Promise<SshResult> {
    const { session, faults, worldClock } = this.#options;
    const delayMs = faults.chance("sshLate").between(command.timeoutMs, LATE_MAX_MS);
    worldClock.setTimer(delayMs, () => void session.execute(command).catch(() => {}));
    await this.#wait(command.timeoutMs);
    throw new SshError("timeout", "no answer", { started: true });
  }

  /** The command may have come through all the same. */
  async #hang(command: SshCommand): Promise<SshResult> {
    const { session, faults } = this.#options;
    const comesThrough = faults.chance("sshHangs").happens(0.5);
    // What becomes of it, nobody hears.
    if (comesThrough) session.execute(command).catch(() => {});
    await this.#wait(command.timeoutMs);
    throw new SshError("timeout", "no answer", { started: comesThrough });
  }
}
