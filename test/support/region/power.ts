import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { writeBootId, type Machine } from "./machine.ts";

const BOOT = join(import.meta.dirname, "boot.sh");
const BOOTED_WITHIN_MS = 30_000;
const POLL_MS = 5;
const LISTENS = "Server listening on";

/** A host that runs: its process tree. */
export class Power {
  readonly #unshare: ChildProcess;
  readonly #ended: Promise<void>;
  #log = "";
  #listensCount = 0;
  #onChange: () => void = () => undefined;

  /** The namespace is that of the network, which a host keeps when it is off. */
  constructor(machine: Machine, namespace: string) {
    writeBootId(machine);
    // Never `ip netns exec`: it mounts /sys anew, without cgroups, and then no container engine starts.
    const args = ["nsenter", `--net=/run/netns/${namespace}`];
    const own = ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc"];
    // pdeathsig: when the tests are killed, their hosts end with them.
    this.#unshare = spawn(
      "setpriv",
      ["--pdeathsig", "KILL", ...args, ...own, "sh", BOOT, machine.dir, machine.name],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    this.#ended = new Promise((resolve) => {
      this.#unshare.once("error", () => resolve()).once("exit", () => resolve());
    });
    void this.#ended.then(() => this.#onChange());
    this.#unshare.stderr?.setEncoding("utf8").on("data", (text: string) => this.#read(text));
  }

  /** The host's first process, as this machine numbers it. */
  get initPid(): number {
    const { pid } = this.#unshare;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    return Number(children.trim());
  }

  /** What its boot and its SSH server said. */
  get log(): string {
    return this.#log;
  }

  /** Of the process that waits for the first one. */
  get outsidePid(): number | undefined {
    return this.#unshare.pid;
  }

  async restartServer(): Promise<void> {
    const { initPid } = this;
    // It says that it listens before it takes this signal, which for the first process of a tree is lost until then.
    while (!takesHangUp(initPid)) await setTimeout(POLL_MS);
    const before = this.#listensCount;
    process.kill(initPid, "SIGHUP");
    await this.listens(before);
  }

  /** Of the SSH server, which listens anew when it has read its settings again. */
  async listens(moreThan = 0): Promise<void> {
    const giveUp = globalThis.setTimeout(() => this.#unshare.kill("SIGKILL"), BOOTED_WITHIN_MS);
    while (this.#listensCount <= moreThan) {
      if (this.#unshare.exitCode !== null || this.#unshare.signalCode !== null) {
        clearTimeout(giveUp);
        throw new Error(`the host did not come up: ${this.#log.trim() || "it said nothing"}`);
      }
      await new Promise<void>((resolve) => (this.#onChange = resolve));
    }
    clearTimeout(giveUp);
  }

  /** As if the power went. Linux ends the first process of a tree last, so nothing of it is left afterwards. */
  async cut(): Promise<void> {
    const init = this.#unshare.exitCode === null ? this.initPid : 0;
    // Of a host that has just been started there may be no more than what starts it.
    if (init > 0) process.kill(init, "SIGKILL");
    else this.#unshare.kill("SIGKILL");
    await this.#ended;
  }

  /** After the tree was ended from outside. */
  ended(): Promise<void> {
    return this.#ended;
  }

  #read(text: string): void {
    this.#log = `${this.#log}${text}`.slice(-20_000);
    this.#listensCount += text.split(LISTENS).length - 1;
    this.#onChange();
  }
}

function takesHangUp(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0";
  return (BigInt(`0x${caught}`) & 1n) === 1n;
}
