import { randomBytes, randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync, chownSync } from "node:fs";
import { join } from "node:path";
import { makeKeyPair } from "../../../src/drivers/ssh/key-pair.ts";
import { clockLibrary } from "./missing.ts";

/** What a host is made of; later starts of it keep all but the boot id. */
export interface Machine {
  readonly dir: string;
  readonly name: string;
  readonly address: string;
  /** Bits of the network. */
  readonly prefix: number;
  /** An authorized_keys line. */
  readonly clientKey: string;
  /** A folder of this machine, read-only at /opt. */
  readonly opt: string | undefined;
}

/** Who may log in without being root. */
export const GUEST = { name: "guest", uid: 20_000 } as const;

const HOST_KEY = "etc/ssh/ssh_host_ed25519_key";
/** Which clock programs see: a file, so that it can change under one that runs. */
const CLOCK = "etc/faketimerc";

/** Where a path of the host is while it is off; its disk must be mounted at `disk`. */
export function onDisk(machine: Machine, path: string): string {
  return join(machine.dir, "disk/upper", path);
}

/** Lays out the disk, and how it is mounted: the host sees this machine's files, and what it writes stays on its disk. */
export function layOut(machine: Machine): void {
  for (const each of ["etc/ssh", "mnt"]) mkdirSync(onDisk(machine, each), { recursive: true });
  for (const each of ["root", "disk/work"]) mkdirSync(join(machine.dir, each));
  makeHome(join(machine.dir, "disk/root-home"), machine.clientKey, 0);
  mkdirSync(join(machine.dir, "disk/homes"));
  makeHome(join(machine.dir, "disk/homes", GUEST.name), machine.clientKey, GUEST.uid);
  const { name, uid } = GUEST;
  appended(machine, "etc/passwd", `${name}:x:${uid}:${uid}::/home/${name}:/bin/sh\n`);
  appended(machine, "etc/group", `${name}:x:${uid}:\n`);
  // An account without a password, yet not a locked one, which sshd would refuse.
  appended(machine, "etc/shadow", `${name}:*:19000:0:99999:7:::\n`, 0o600);
  writeFileSync(onDisk(machine, "etc/hostname"), `${machine.name}\n`);
  writeFileSync(onDisk(machine, "etc/machine-id"), `${randomBytes(16).toString("hex")}\n`);
  writeFileSync(onDisk(machine, "etc/ssh/sshd_config"), sshdConfig());
  writeFileSync(join(machine.dir, "fstab"), fstab(machine));
  const { address, prefix } = machine;
  const network = ["link set lo up", `addr replace ${address}/${prefix} dev eth0`];
  writeFileSync(join(machine.dir, "network"), `${network.join("\n")}\nlink set eth0 up\n`);
}

/** Linux has one boot id for all of the machine; a host has its own, bound over it, new at each start. */
export function writeBootId(machine: Machine): void {
  writeFileSync(join(machine.dir, "boot_id"), `${randomUUID()}\n`);
}

/** Writes a fresh key under the root folder given, and returns its public half as an authorized_keys line has it. */
export function writeHostKey(root: string): string {
  const pair = makeKeyPair();
  writeFileSync(join(root, HOST_KEY), pair.private, { mode: 0o600 });
  // Which this machine may have too: sshd complains where the two differ.
  writeFileSync(join(root, `${HOST_KEY}.pub`), `${pair.public}\n`);
  return pair.public;
}

/** For programs that sessions from now on start; Linux itself has one wall clock for all namespaces. */
export function writeClock(root: string, offsetMs: number): void {
  writeFileSync(join(root, CLOCK), `${offsetMs < 0 ? "-" : "+"}${Math.abs(offsetMs) / 1000}\n`);
  writeFileSync(join(root, "etc/ssh/sshd_config"), sshdConfig(clockEnvironment()));
}

/** Debian's, but for what would need PAM or a resolver: `MaxSessions`, `MaxStartups` and `LoginGraceTime` are the default. */
function sshdConfig(more: readonly string[] = []): string {
  const lines = [
    `HostKey /${HOST_KEY}`,
    "AddressFamily inet",
    "PidFile none",
    "UsePAM no",
    "UseDNS no",
    "PasswordAuthentication no",
    "KbdInteractiveAuthentication no",
    ...more,
  ];
  return `${lines.join("\n")}\n`;
}

/** Timers go by the monotonic clock, which a wrong wall clock leaves alone. */
function clockEnvironment(): string[] {
  const variables = {
    LD_PRELOAD: clockLibrary(),
    FAKETIME_TIMESTAMP_FILE: `/${CLOCK}`,
    FAKETIME_CACHE_DURATION: 1,
    FAKETIME_DONT_FAKE_MONOTONIC: 1,
  };
  const words = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return [`SetEnv ${words.join(" ")}`];
}

/** In the order of mounting. Homes are no overlay, since container engines cannot store images on one. */
function fstab({ dir, opt }: Machine): string {
  const root = join(dir, "root");
  const disk = join(dir, "disk");
  const mounts = [
    `overlay ${root} overlay lowerdir=/,upperdir=${disk}/upper,workdir=${disk}/work`,
    `tmpfs ${root}/run tmpfs mode=755,size=16m`,
    `tmpfs ${root}/tmp tmpfs mode=1777,size=64m`,
    `proc ${root}/proc proc defaults`,
    `/sys ${root}/sys none rbind`,
    `/dev ${root}/dev none rbind`,
    `tmpfs ${root}/dev/shm tmpfs mode=1777,size=16m`,
    `${disk}/root-home ${root}/root none bind`,
    `${disk}/homes ${root}/home none bind`,
    `${dir}/boot_id ${root}/proc/sys/kernel/random/boot_id none bind`,
    ...(opt === undefined ? [] : [`${opt} ${root}/opt none bind,ro`]),
  ];
  return mounts.map((line) => `${line} 0 0\n`).join("");
}

function makeHome(home: string, clientKey: string, uid: number): void {
  const keys = join(home, ".ssh/authorized_keys");
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  writeFileSync(keys, `${clientKey}\n`, { mode: 0o600 });
  for (const path of [home, join(home, ".ssh"), keys]) chownSync(path, uid, uid);
}

function appended(machine: Machine, path: string, line: string, mode = 0o644): void {
  writeFileSync(onDisk(machine, path), `${readFileSync(`/${path}`, "utf8")}${line}`, { mode });
}
