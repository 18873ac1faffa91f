import { parseByteSize } from "../../config/byte-size.ts";
import { isMap } from "../../config/document.ts";
import type { HostFacts } from "./facts.ts";

/** An entry of `InstanceTypes`, as the config has it. */
export interface TypeEntry {
  readonly VCPUs: number;
  readonly RAM: string;
  readonly IncludedScratch: string;
  readonly Price: number;
  readonly GPU?: {
    readonly Stack: string;
    readonly DriverVersion: string;
    readonly HardwareTarget: string;
    readonly DeviceCount: number;
    readonly VRAM: string;
  };
}

const MIB = 1024 ** 2;
const GIB = 1024 ** 3;

/** Names that `measuredType` gives. */
const OWN_NAME = /^cpu\d+-mem\d+[gm](-gpu\d+)?(-\d+)?$/;

export function isOwnTypeName(name: string): boolean {
  return OWN_NAME.test(name);
}

/** Hosts of one size share a type. There is no price: who has the machine pays for it, whether it is busy or not. */
export function measuredType(facts: HostFacts): {
  readonly name: string;
  readonly entry: TypeEntry;
} {
  const { cpus, memoryBytes, scratchBytes, cuda } = facts;
  // A driver that does not say what it serves cannot be asked for it.
  const gpus = cuda === "" ? [] : facts.gpus;
  const ram = roundedDown(memoryBytes);
  const parts = [`cpu${cpus}`, `mem${ram.replace("iB", "").toLowerCase()}`];
  if (gpus.length > 0) parts.push(`gpu${gpus.length}`);
  const entry = { VCPUs: cpus, RAM: ram, IncludedScratch: roundedDown(scratchBytes), Price: 0 };
  if (gpus.length === 0) return { name: parts.join("-"), entry };
  const [target = ""] = gpus.map((gpu) => gpu.computeCapability).sort(byVersion);
  const GPU = {
    Stack: "cuda",
    DriverVersion: cuda,
    HardwareTarget: target,
    DeviceCount: gpus.length,
    VRAM: roundedDown(Math.min(...gpus.map((gpu) => gpu.memoryBytes))),
  };
  return { name: parts.join("-"), entry: { ...entry, GPU } };
}

/**
 * Which of the types that there are the host is of, or the name of a new one. A type is as roomy as the least roomy of its hosts:
 * `entry` has the scratch space that fits them all.
 */
export function placeType(
  { name, entry }: ReturnType<typeof measuredType>,
  types: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly entry: TypeEntry | undefined } {
  for (let number = 1; ; number++) {
    const candidate = number === 1 ? name : `${name}-${number}`;
    const found = types[candidate];
    if (found === undefined) return { name: candidate, entry };
    if (!isSameSize(found, entry)) continue;
    const isRoomier = bytesOf(found, "IncludedScratch") > parseByteSize(entry.IncludedScratch);
    return { name: candidate, entry: isRoomier ? entry : undefined };
  }
}

function isSameSize(found: unknown, entry: TypeEntry): boolean {
  if (!isMap(found) || found["VCPUs"] !== entry.VCPUs) return false;
  if (bytesOf(found, "RAM") !== parseByteSize(entry.RAM)) return false;
  const gpu = isMap(found["GPU"]) ? found["GPU"] : {};
  const wanted: Readonly<Record<string, unknown>> = entry.GPU ?? {};
  return ["DriverVersion", "HardwareTarget", "DeviceCount", "VRAM"].every(
    (key) => JSON.stringify(gpu[key]) === JSON.stringify(wanted[key]),
  );
}

function bytesOf(found: unknown, key: string): number {
  const value = isMap(found) ? found[key] : undefined;
  try {
    return typeof value === "string" || typeof value === "number" ? parseByteSize(value) : -1;
  } catch {
    // Not for us to judge: the config's own check has said so.
    return -1;
  }
}

function roundedDown(bytes: number): string {
  return bytes >= GIB ? `${Math.floor(bytes / GIB)}GiB` : `${Math.floor(bytes / MIB)}MiB`;
}

function byVersion(a: string, b: string): number {
  return Number(a) - Number(b);
}
