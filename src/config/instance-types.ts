import type { ParsedCluster } from "./cluster.section.ts";
import type { ConfigMap } from "./document.ts";
import { error, warning, type Finding } from "./finding.ts";

type ParsedType = ParsedCluster["instanceTypes"][string];

/** A configured instance type with its computed fields (specification §1.4). Sizes are bytes, `price` is per hour. */
export interface InstanceType extends ParsedType {
  readonly name: string;
  /** includedScratch + addedScratch. */
  readonly scratch: number;
}

/** What the loopback driver's implicit type is made of (specification §1.6). */
export interface Host {
  readonly cpus: number;
  readonly ramBytes: number;
  /** Size of the file system of the temporary directory. */
  readonly tmpBytes: number;
}

type Types = Record<string, InstanceType>;

const SUFFIX = ".preemptible";

function complete(name: string, type: ParsedType): InstanceType {
  return {
    ...type,
    name,
    providerType: type.providerType || name,
    scratch: type.includedScratch + type.addedScratch,
  };
}

function localhost(host: Host): InstanceType {
  return {
    name: "localhost",
    providerType: "localhost",
    vcpus: host.cpus,
    ram: host.ramBytes,
    includedScratch: host.tmpBytes,
    addedScratch: 0,
    scratch: host.tmpBytes,
    price: 1,
    preemptible: false,
    gpu: { stack: "", driverVersion: "", hardwareTarget: "", deviceCount: 0, vram: 0 },
  };
}

/** How many instances the loopback driver may have; 1, as in the original, unless its parameters say more. */
function loopbackInstancesMax(parameters: ConfigMap): number {
  const max = parameters["MaxInstances"];
  return typeof max === "number" ? max : 1;
}

/** The types that the core works with: named, with the implicit and the preemptible ones (specification §1.5, §1.6). */
export function completeInstanceTypes(
  cluster: ParsedCluster,
  host: Host,
  prefix: string,
): { types: Types; findings: Finding[] } {
  const place = `${prefix}.InstanceTypes`;
  const findings: Finding[] = [];
  const types: Types = {};
  for (const [name, type] of Object.entries(cluster.instanceTypes)) {
    types[name] = complete(name, type);
    if (type.gpu.deviceCount > 0 && !/^\d+(\.\d+)?$/.test(type.gpu.driverVersion)) {
      const path = `${place}.${name}.GPU.DriverVersion`;
      const value = JSON.stringify(type.gpu.driverVersion);
      findings.push(
        error(path, `${path}: ${value} is not usable: expected a number such as "11.0"`),
      );
    }
  }

  const { cloudVMs, preemptiblePriceFactor } = cluster.containers;
  const count = Object.keys(types).length;
  if (cloudVMs.enable && cloudVMs.driver === "loopback") {
    if (count === 0) types["localhost"] = localhost(host);
    if (count > 1 && loopbackInstancesMax(cloudVMs.driverParameters) <= 1) {
      findings.push(
        error(
          place,
          `${place}: cannot use multiple InstanceTypes with loopback driver ` +
            `(unless ${prefix}.Containers.CloudVMs.DriverParameters.MaxInstances is more than 1)`,
        ),
      );
    }
  }
  if (Object.keys(types).length === 0) {
    findings.push(warning(place, `${place}: there are none, so no container can run`));
  }
  if (preemptiblePriceFactor > 0) addPreemptible(types, preemptiblePriceFactor, place, findings);
  return { types, findings };
}

function addPreemptible(types: Types, factor: number, place: string, findings: Finding[]): void {
  for (const type of Object.values(types)) {
    if (type.preemptible) continue;
    const name = type.name + SUFFIX;
    const variant = { ...type, name, preemptible: true, price: type.price * factor };
    const existing = types[name];
    if (!existing) {
      types[name] = variant;
    } else if (!isSameType(existing, variant)) {
      findings.push(
        warning(
          `${place}.${name}`,
          `${place}[${name}]: already exists, so not automatically adding a preemptible variant of ${type.name}`,
        ),
      );
    }
  }
}

function isSameType(a: InstanceType, b: InstanceType): boolean {
  return JSON.stringify(toEntry(a)) === JSON.stringify(toEntry(b)) && a.name === b.name;
}

/** The type as an entry of the file, in the order of its JSON form (specification §1.4). */
export function toEntry(type: InstanceType): ConfigMap {
  return {
    ProviderType: type.providerType,
    VCPUs: type.vcpus,
    RAM: type.ram,
    IncludedScratch: type.includedScratch,
    AddedScratch: type.addedScratch,
    Price: type.price,
    Preemptible: type.preemptible,
    GPU: {
      Stack: type.gpu.stack,
      DriverVersion: type.gpu.driverVersion,
      HardwareTarget: type.gpu.hardwareTarget,
      DeviceCount: type.gpu.deviceCount,
      VRAM: type.gpu.vram,
    },
  };
}
