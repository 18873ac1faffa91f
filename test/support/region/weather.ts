import { spawn, type ChildProcessByStdio } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { carries, ip } from "./commands.ts";
import { whatIsMissing } from "./missing.ts";

const PROGRAM = join(import.meta.dirname, "weather.py");

/** On a host's line, the same for both ways. */
export interface Conditions {
  /** Each way: a round trip takes twice as much longer. */
  readonly lateMs: number;
  readonly bytesPerSecond: number;
  /** 0 to 100. */
  readonly lossPercent: number;
}

export const FAIR: Conditions = { lateMs: 0, bytesPerSecond: Infinity, lossPercent: 0 };

/**
 * Slow, late and lossy lines. Not `netem`, which some kernels lack, and no forwarder of TCP connections, which would answer for
 * a host that is cut off: one process in user space (weather.py) carries the frames between a host's veth and the bridge. A
 * line goes through it from its first weather on; connections over it live on.
 */
export class Weather {
  readonly #bridge: string;
  readonly #group: number;
  readonly #lines = new Set<string>();
  #program: ChildProcessByStdio<Writable, Readable, null> | undefined;
  readonly #answers: ((error?: Error) => void)[] = [];

  constructor(bridge: string, group: number) {
    this.#bridge = bridge;
    this.#group = group;
  }

  /** `number` is the host's; `device` is this machine's end of its veth. */
  async change(number: number, device: string, conditions: Conditions): Promise<void> {
    const [inner, outer] = [`${this.#bridge}x${number}`, `${this.#bridge}w${number}`];
    const isNew = !this.#lines.has(device);
    this.#lines.add(device);
    if (!isNew) return this.#order(device, inner, conditions);
    await ip([
      `link add name ${outer} group ${this.#group} gso_max_segs 1 type veth peer name ${inner}`,
      `link set ${outer} master ${this.#bridge} up`,
      // Without a bridge above them, these two would answer requests for the address of this machine themselves.
      `link set ${inner} arp off up`,
      `link set ${device} arp off`,
    ]);
    await carries(outer);
    await this.#order(device, inner, conditions);
    // For a moment frames have gone both ways round: rather some of them twice than one of them lost.
    await ip([`link set ${device} nomaster`]);
  }

  #order(device: string, inner: string, conditions: Conditions): Promise<void> {
    const { lateMs, bytesPerSecond, lossPercent } = conditions;
    const order = {
      line: [device, inner],
      late_s: lateMs / 1000,
      bytes_per_s: Number.isFinite(bytesPerSecond) ? bytesPerSecond : 0,
      lossy: lossPercent / 100,
    };
    return new Promise((resolve, reject) => {
      this.#start().stdin.write(`${JSON.stringify(order)}\n`);
      this.#answers.push((error) => (error ? reject(error) : resolve()));
    });
  }

  #start(): ChildProcessByStdio<Writable, Readable, null> {
    if (this.#program) return this.#program;
    const missing = whatIsMissing("weather");
    if (missing) throw new Error(`no weather in this region: ${missing}`);
    const program = spawn("python3", [PROGRAM, this.#bridge], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    // It ends with the region; what it was asked meanwhile has no answer.
    program.stdin.on("error", () => undefined);
    program.once("exit", (exitCode) => {
      const error = new Error(`weather.py ended: exit code ${exitCode}`);
      for (const answer of this.#answers.splice(0)) answer(error);
    });
    createInterface(program.stdout).on("line", () => this.#answers.shift()?.());
    return (this.#program = program);
  }

  /** Once it was ended from outside. */
  async ended(): Promise<void> {
    const program = this.#program;
    if (!program || program.exitCode !== null || program.signalCode !== null) return;
    await new Promise((resolve) => program.once("exit", resolve));
  }
}
