import type { ContainerRecord } from "../model/fact.ts";
import type { InstanceType, Resources } from "../model/instance-type.ts";
import type { Settings } from "../model/settings.ts";
import { scratchOfImage } from "./image-scratch.ts";

type Gpu = NonNullable<ContainerRecord["gpu"]>;
type SizingSettings = Pick<Settings, "reserveExtraRam" | "localKeepBlobBuffersPerVcpu">;
type ChoiceSettings = SizingSettings & Pick<Settings, "instanceTypes" | "maximumPriceFactor">;

const MIB = 1_048_576n;
/** What a keepstore on the instance takes beside its buffers, and what each buffer takes. */
const LOCAL_KEEPSTORE = 220n * MIB;
const KEEP_BUFFER = 64n * MIB;

export const NO_GPU_WANTED: Gpu = {
  stack: "",
  driverVersion: "",
  hardwareTarget: [],
  deviceCount: 0,
  vram: 0,
};

export type TypeChoice =
  | { readonly ok: true; readonly types: readonly InstanceType[] }
  | {
      readonly ok: false;
      readonly code: "constraints_not_satisfiable" | "instance_types_not_configured";
      /** Shown to the user as it stands. */
      readonly message: string;
      /** All that are configured, cheapest first. */
      readonly availableTypes: readonly InstanceType[];
    };

/** What a container needs of an instance, in exact integers (specification §5.1). Sizes are bytes. */
export function resourcesOf(record: ContainerRecord, settings: SizingSettings): Resources {
  const vcpus = integer(record.vcpus);
  const buffers = integer(settings.localKeepBlobBuffersPerVcpu);
  let ram = integer(record.ram) + integer(record.keepCacheRam) + integer(settings.reserveExtraRam);
  if (buffers > 0n) ram += LOCAL_KEEPSTORE + (buffers * vcpus * KEEP_BUFFER * 11n) / 10n;

  const image = scratchOfImage(record.containerImage);
  const tmpMounts = integer(record.tmpMounts);
  const scratch = (tmpMounts > image ? tmpMounts : image) + image + integer(record.keepCacheDisk);
  return {
    vcpus: Number(vcpus),
    // Instances are assumed to offer 5% less than their type says.
    ram: Number((ram * 100n) / 95n),
    scratch: Number(scratch),
    gpus: record.gpu?.deviceCount ?? 0,
    gpuVram: record.gpu?.vram ?? 0,
  };
}

/** The instance types that can run the container, cheapest first (specification §5.2). Never throws. */
export function chooseTypes(record: ContainerRecord, settings: ChoiceSettings): TypeChoice {
  const configured = Object.values(settings.instanceTypes);
  if (configured.length === 0) {
    const message = "site configuration does not list any instance types";
    return { ok: false, code: "instance_types_not_configured", message, availableTypes: [] };
  }
  const refuse = (message: string): TypeChoice => ({
    ok: false,
    code: "constraints_not_satisfiable",
    message,
    availableTypes: configured.sort((a, b) => a.price - b.price || byName(a, b)),
  });

  const gpu = record.gpu ?? NO_GPU_WANTED;
  if (gpu.stack !== "" && gpu.stack !== "cuda" && gpu.stack !== "rocm") {
    const found = JSON.stringify(gpu.stack);
    return refuse(`Invalid GPU stack ${found}, expected to be blank or one of 'cuda' or 'rocm'`);
  }
  const need = resourcesOf(record, settings);
  const fitting = configured
    .filter((type) => fits(type, need, record.preemptible) && fitsGpu(type, gpu))
    .sort(byPrice);
  const cheapest = fitting[0];
  if (!cheapest) return refuse("constraints not satisfiable by any configured instance type");
  const ceiling = ceilingOf(cheapest, settings.maximumPriceFactor);
  return {
    ok: true,
    types: fitting.filter((type) => type === cheapest || type.price <= ceiling),
  };
}

/** No multiple of nothing says what is too dear: beside a free type all others are eligible. */
function ceilingOf({ price }: InstanceType, priceFactor: number): number {
  return price > 0 ? price * Math.max(priceFactor, 1) : Infinity;
}

function integer(value: number): bigint {
  return BigInt(Math.trunc(value));
}

function fits(type: InstanceType, need: Resources, preemptible: boolean): boolean {
  return (
    type.scratch >= need.scratch &&
    type.ram >= need.ram &&
    type.vcpus >= need.vcpus &&
    type.preemptible === preemptible
  );
}

export function fitsGpu(type: InstanceType, wanted: Gpu): boolean {
  const has = type.gpu;
  if (has.stack !== wanted.stack) return false;
  if (has.deviceCount < wanted.deviceCount || has.vram < wanted.vram) return false;
  if (wanted.deviceCount <= 0) return true;
  // NaN compares false: a version that is not a number fits nothing.
  if (!(toFloat(has.driverVersion) >= toFloat(wanted.driverVersion))) return false;
  const [only, ...others] = wanted.hardwareTarget;
  if (has.stack === "cuda" && only !== undefined && others.length === 0) {
    return toFloat(has.hardwareTarget) >= toFloat(only);
  }
  return wanted.hardwareTarget.includes(has.hardwareTarget);
}

/** Plain decimal floats only: `12.0.12` is none, and 11.10 is less than 11.4 (specification §5.2). */
function toFloat(text: string): number {
  return /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : NaN;
}

function byPrice(a: InstanceType, b: InstanceType): number {
  return (
    a.price - b.price || b.ram - a.ram || b.vcpus - a.vcpus || b.scratch - a.scratch || byName(a, b)
  );
}

function byName(a: InstanceType, b: InstanceType): number {
  return a.name < b.name ? -1 : 1;
}
