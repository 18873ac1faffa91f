import { join } from "node:path";
import ssh2 from "ssh2";
import { killAll, type FoundProcess } from "../processes.ts";
import { carries, ip, run } from "./commands.ts";
import { link, processesWhose } from "./leftovers.ts";
import { writeClock, writeHostKey, onDisk, type Machine } from "./machine.ts";
import { whatIsMissing } from "./missing.ts";
import { Power } from "./power.ts";
import { FAIR, type Conditions, type Weather } from "./weather.ts";

/** What the host's network is made of. */
export interface Wires {
  readonly number: number;
  readonly namespace: string;
  /** This machine's end of its veth. */
  readonly device: string;
  readonly weather: Weather;
}

const FILLER = "/filler";

/** One machine of a region. All that is not under /run, /tmp and /dev/shm is on its disk and is there after a reboot. */
export class RegionHost {
  readonly #machine: Machine;
  readonly #wires: Wires;
  #power: Power | undefined;
  #isCut = false;
  #link: "up" | "down" = "up";
  #publicKey: string;
  #conditions = FAIR;

  constructor(machine: Machine, wires: Wires) {
    this.#machine = machine;
    this.#wires = wires;
    this.#publicKey = writeHostKey(onDisk(machine, ""));
  }

  /** Also its host name. */
  get name(): string {
    return this.#machine.name;
  }

  get address(): string {
    return this.#machine.address;
  }

  readonly port = 22;

  /** As OpenSSH sends it. */
  get hostKey(): Buffer {
    const parsed = ssh2.utils.parseKey(this.#publicKey);
    if (parsed instanceof Error) throw parsed;
    return parsed.getPublicSSH();
  }

  /** Of its boot and its SSH server, since it was started. */
  get log(): string {
    return this.#power?.log ?? "";
  }

  /** A shell command as root among its processes and files, but not over the network: it works on a host that is cut off. */
  exec(command: string): Promise<string> {
    const spaces = ["--mount", "--uts", "--ipc", "--net", "--pid"];
    const target = ["--target", String(this.#running().initPid)];
    return run("nsenter", [...target, ...spaces, "sh", "-c", command]);
  }

  /** Those that it has now, with the numbers that they have outside. */
  processes(): FoundProcess[] {
    const { initPid, outsidePid } = this.#running();
    const own = link(`/proc/${initPid}/ns/net`);
    return processesWhose("net", (mark) => mark === own).filter(({ pid }) => pid !== outsidePid);
  }

  /** Kills those whose command line matches, and returns them. */
  kill9(pattern: RegExp): FoundProcess[] {
    const matching = this.processes().filter(({ command }) => pattern.test(command));
    killAll(matching);
    return matching;
  }

  /** As a machine that hangs: connections stay, also new ones come about, and nothing is answered until it thaws. */
  freeze(): void {
    for (const { pid } of this.processes()) process.kill(pid, "SIGSTOP");
  }

  thaw(): void {
    for (const { pid } of this.processes()) process.kill(pid, "SIGCONT");
  }

  /** What is sent is lost without a word, both ways, until it is mended. */
  async cut(): Promise<void> {
    this.#isCut = true;
    await this.#setLink("down");
  }

  async mend(): Promise<void> {
    this.#isCut = false;
    if (this.#power) await this.#setLink("up");
  }

  /** At once; Linux still tells those who are connected. Cut it off before, and nobody hears of it. */
  async powerOff(): Promise<void> {
    const power = this.#running();
    this.#power = undefined;
    await power.cut();
    // Its address would go on to refuse connections, which a machine that is off does not.
    await this.#setLink("down");
  }

  /** Returns when its SSH server listens. */
  async powerOn(): Promise<void> {
    if (this.#power) throw new Error(`${this.name} is on`);
    const power = new Power(this.#machine, this.#wires.namespace);
    this.#power = power;
    await power.listens();
    if (!this.#isCut) await this.#setLink("up");
  }

  async reboot(): Promise<void> {
    await this.powerOff();
    await this.powerOn();
  }

  /** Connections that there are do not notice. */
  async newHostKey(): Promise<void> {
    this.#publicKey = writeHostKey(this.#root());
    await this.#restartServer();
  }

  /** Not one byte is left, not even for root; new empty files may still be made. */
  async fillDisk(): Promise<void> {
    await this.exec(`cat /dev/zero >>${FILLER} 2>/dev/null || true`);
  }

  async freeDisk(): Promise<void> {
    await this.exec(`rm -f ${FILLER}`);
  }

  /**
   * The wall clock of what is started over SSH from now on, which then follows later changes within a second, also across reboots.
   * So to step the clock under a program, set it to 0 before the program starts. The SSH server itself and `exec` have the
   * true one.
   */
  async setClock({ offsetMs }: { readonly offsetMs: number }): Promise<void> {
    const missing = whatIsMissing("clock");
    if (missing) throw new Error(`${this.name} can have no other clock: ${missing}`);
    writeClock(this.#root(), offsetMs);
    await this.#restartServer();
  }

  /** Its line takes so much each way; more than that queues, and is then dropped. */
  slow(by: { readonly bytesPerSecond: number }): Promise<void> {
    return this.#change(by);
  }

  /** Each way: a round trip takes twice as much longer. */
  late({ ms }: { readonly ms: number }): Promise<void> {
    return this.#change({ lateMs: ms });
  }

  /** Each way. */
  lossy({ percent }: { readonly percent: number }): Promise<void> {
    return this.#change({ lossPercent: percent });
  }

  /** Neither slow nor late nor lossy. */
  fair(): Promise<void> {
    return this.#change(FAIR);
  }

  /** Once its process tree was ended from outside. */
  async ended(): Promise<void> {
    await this.#power?.ended();
  }

  async #change(change: Partial<Conditions>): Promise<void> {
    const { number, device, weather } = this.#wires;
    this.#conditions = { ...this.#conditions, ...change };
    await weather.change(number, device, this.#conditions);
  }

  /** Where its files can be written from outside: past the overlay only while that is not mounted. */
  #root(): string {
    return this.#power
      ? join("/proc", String(this.#power.initPid), "root")
      : onDisk(this.#machine, "");
  }

  /** So that it reads its settings; its sessions stay. */
  async #restartServer(): Promise<void> {
    if (!this.#power) return;
    await this.#power.restartServer();
  }

  async #setLink(state: "up" | "down"): Promise<void> {
    const { device } = this.#wires;
    if (this.#link !== state) await ip([`link set ${device} ${state}`]);
    this.#link = state;
    if (state === "up") await carries(device);
  }

  #running(): Power {
    if (this.#power) return this.#power;
    throw new Error(`${this.name} is off`);
  }
}
