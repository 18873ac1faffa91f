import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeSshExecutor, type SshExecutorOptions } from "../../../src/drivers/ssh/executor.ts";
import { makeKeyPair } from "../../../src/drivers/ssh/key-pair.ts";
import type { SshExecutor } from "../../../src/drivers/ssh/port.ts";
import { ip, run } from "./commands.ts";
import { RegionHost, type Wires } from "./host.ts";
import { groupOf } from "./leftovers.ts";
import { layOut, type Machine } from "./machine.ts";
import { whatIsMissing, type Ability } from "./missing.ts";
import { claimSlot, type Slot } from "./slot.ts";
import { Weather } from "./weather.ts";

export interface RegionOptions {
  readonly hosts: number;
  /** Of each host; it is memory. 64 MiB. */
  readonly diskBytes?: number;
  /** A folder of this machine that each host has at /opt, read-only. */
  readonly opt?: string;
}

export type ExecutorOptions = Partial<SshExecutorOptions> & {
  /** root, or `guest`. */
  readonly user?: string;
};

const PREFIX = 22;
const HOSTS_MAX = 2 ** (32 - PREFIX) - 3;
const DISK_BYTES = 64 * 2 ** 20;

/**
 * Machines in a box: each a network namespace with an address and an SSH server of its own, its own process tree, host name,
 * disk, homes, boot id, and a /run that a reboot empties. They share this machine's kernel and what is installed on it.
 */
export class Region {
  /** Of the regions that run on this machine now; `leftoversOf` takes it. */
  readonly index: number;
  readonly hosts: readonly RegionHost[];
  /** For root and `guest` of every host. */
  readonly clientKey: string;
  readonly #slot: Slot;
  readonly #weather: Weather;
  readonly #executors = new Set<SshExecutor>();

  private constructor(slot: Slot, clientKey: string, plan: Plan) {
    this.index = slot.index;
    this.#slot = slot;
    this.#weather = plan.weather;
    this.clientKey = clientKey;
    this.hosts = plan.parts.map(({ machine, wires }) => new RegionHost(machine, wires));
  }

  /** What keeps a region, or one of its abilities, from working here; undefined if nothing does. */
  static missing(ability?: Ability): string | undefined {
    return whatIsMissing(ability);
  }

  /** Returns when the SSH servers of all hosts listen. */
  static async start(options: RegionOptions): Promise<Region> {
    const missing = whatIsMissing();
    if (missing) throw new Error(`no region can be started here: ${missing}`);
    if (options.hosts > HOSTS_MAX) throw new Error(`a region has at most ${HOSTS_MAX} hosts`);
    // From here on a run that ends takes with it what it has made.
    const slot = await claimSlot();
    try {
      const client = makeKeyPair();
      const plan = planOf(slot, options, client.public);
      await Promise.all([layWires(slot, plan), mountDisks(slot, plan, options.diskBytes)]);
      for (const { machine } of plan.parts) layOut(machine);
      const region = new Region(slot, client.private, plan);
      await Promise.all(region.hosts.map((host) => host.powerOn()));
      return region;
    } catch (error) {
      slot.release();
      throw error;
    }
  }

  /** By its number, from 1, as in its name. */
  host(number: number): RegionHost {
    const host = this.hosts[number - 1];
    if (!host) throw new Error(`the region has ${this.hosts.length} hosts, no host-${number}`);
    return host;
  }

  /** Our own way of running commands; it knows the host by the key that it has now, and is closed with the region. */
  ssh(host: RegionHost, options: ExecutorOptions = {}): SshExecutor {
    const { user = "root", ...others } = options;
    const hostKey = host.hostKey;
    const executor = makeSshExecutor({
      target: { address: `${host.address}:${host.port}`, remoteUser: user },
      defaultPort: "",
      privateKey: this.clientKey,
      verifyHostKey: async (key) => {
        if (!key.equals(hostKey)) throw new Error(`${host.name} has another host key`);
      },
      setTimer(delayMs, callback) {
        const timer = setTimeout(callback, delayMs);
        return () => clearTimeout(timer);
      },
      ...others,
    });
    this.#executors.add(executor);
    return executor;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const executor of this.#executors) executor.close();
    this.#slot.release();
    await Promise.all([this.#weather.ended(), ...this.hosts.map((host) => host.ended())]);
  }
}

interface Plan {
  readonly weather: Weather;
  readonly parts: readonly { readonly machine: Machine; readonly wires: Wires }[];
}

function planOf(slot: Slot, { hosts, opt }: RegionOptions, clientKey: string): Plan {
  const bridge = bridgeOf(slot);
  const weather = new Weather(bridge, groupOf(slot.index));
  const parts = Array.from({ length: hosts }, (_, index) => {
    const number = index + 1;
    const name = `host-${number}`;
    const address = addressOf(slot, number + 1);
    const machine = { dir: join(slot.dir, name), name, address, prefix: PREFIX, clientKey, opt };
    // The process id is for people who find it.
    const namespace = `${bridge}-${process.pid}-${number}`;
    return { machine, wires: { number, namespace, device: `${bridge}v${number}`, weather } };
  });
  return { weather, parts };
}

/** This machine has the first address of the network. No frame is larger than a packet, so that weather comes in small pieces. */
function layWires(slot: Slot, { parts }: Plan): Promise<void> {
  const bridge = bridgeOf(slot);
  const group = groupOf(slot.index);
  const perHost = parts.flatMap(({ wires: { namespace, device } }) => [
    `netns add ${namespace}`,
    `link add name ${device} group ${group} gso_max_segs 1 type veth peer name eth0 gso_max_segs 1 netns ${namespace}`,
    `link set ${device} master ${bridge} up`,
  ]);
  return ip([
    `link add name ${bridge} group ${group} gso_max_segs 1 type bridge`,
    `addr add ${addressOf(slot, 1)}/${PREFIX} dev ${bridge}`,
    `link set ${bridge} up`,
    ...perHost,
  ]);
}

/** Mounted here, not in the hosts: their disks have to outlive them. */
async function mountDisks(slot: Slot, { parts }: Plan, diskBytes = DISK_BYTES): Promise<void> {
  const lines = parts.map(({ machine: { dir } }) => {
    mkdirSync(join(dir, "disk"), { recursive: true });
    return `tmpfs ${dir}/disk tmpfs mode=755,size=${diskBytes} 0 0\n`;
  });
  const fstab = join(slot.dir, "fstab");
  writeFileSync(fstab, lines.join(""));
  await run("mount", ["-a", "-T", fstab]);
}

function bridgeOf({ index }: Slot): string {
  return `region${index}`;
}

/** 198.18.0.0/15 in networks of 1,024 addresses. */
function addressOf({ index }: Slot, number: number): string {
  const offset = index * 2 ** (32 - PREFIX) + number;
  return `198.${18 + (offset >> 16)}.${(offset >> 8) & 255}.${offset & 255}`;
}
