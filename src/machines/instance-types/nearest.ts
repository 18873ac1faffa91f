import { formatSize } from "../model/amounts.ts";
import type { ContainerRecord } from "../model/fact.ts";
import type { InstanceType } from "../model/instance-type.ts";
import type { Settings } from "../model/settings.ts";
import { fitsGpu, NO_GPU_WANTED, resourcesOf } from "./choose.ts";

type NearestSettings = Pick<
  Settings,
  "instanceTypes" | "reserveExtraRam" | "localKeepBlobBuffersPerVcpu"
>;

interface Wish {
  readonly text: string;
  readonly met: boolean;
}

/**
 * Which type comes nearest to what a container asks for, with the numbers that miss and those that do not; "" where no
 * types are configured. For people: the types that it may run on are chosen by `chooseTypes`, whose texts others know.
 */
export function nearestText(record: ContainerRecord, settings: NearestSettings): string {
  const ranked = Object.values(settings.instanceTypes)
    .map((type) => ({ type, wishes: wishesOf(record, type, settings) }))
    .map((each) => ({ ...each, missed: each.wishes.filter(({ met }) => !met).length }))
    .sort((a, b) => a.missed - b.missed || larger(a.type, b.type) || byName(a.type, b.type));
  const nearest = ranked[0];
  if (!nearest || nearest.missed === 0) return "";
  const told = [...nearest.wishes].sort((a, b) => Number(a.met) - Number(b.met));
  const words = told.map(({ text, met }) => (met ? `${text} OK` : text));
  return `nearest: ${nearest.type.name} has ${words.join("; ")}`;
}

function wishesOf(record: ContainerRecord, type: InstanceType, settings: NearestSettings): Wish[] {
  const need = resourcesOf(record, settings);
  // Nobody asked for the dispatcher's own share: it is named where it is what misses.
  const asked = record.ram + record.keepCacheRam;
  const hasRam = type.ram >= need.ram;
  const takes =
    hasRam || asked > type.ram ? "" : `, which takes ${formatSize(need.ram)} of an instance`;
  return [
    wish(
      `${type.vcpus} VCPU${type.vcpus === 1 ? "" : "s"}`,
      `${need.vcpus}`,
      type.vcpus >= need.vcpus,
    ),
    wish(`${formatSize(type.ram)} RAM`, formatSize(asked), hasRam, takes),
    ...(need.scratch > 0
      ? [
          wish(
            `${formatSize(type.scratch)} scratch`,
            formatSize(need.scratch),
            type.scratch >= need.scratch,
          ),
        ]
      : []),
    ...(record.preemptible === type.preemptible
      ? []
      : [wish(preemptible(type.preemptible), preemptible(record.preemptible), false)]),
    ...gpuWishes(record.gpu, type),
  ];
}

function gpuWishes(gpu: ContainerRecord["gpu"], type: InstanceType): Wish[] {
  const wanted = gpu ?? NO_GPU_WANTED;
  const isMet = fitsGpu(type, wanted);
  if (isMet && wanted.stack === "") return [];
  return [
    wish(
      gpuText(type.gpu, type.gpu.hardwareTarget),
      gpuText(wanted, wanted.hardwareTarget.join(" or ")),
      isMet,
    ),
  ];
}

function gpuText(gpu: Omit<InstanceType["gpu"], "hardwareTarget">, hardware: string): string {
  const { stack, deviceCount, driverVersion, vram } = gpu;
  if (stack === "") return "no GPU";
  return `${deviceCount} GPU (${stack} ${driverVersion}, ${hardware}, ${formatSize(vram)})`;
}

function wish(has: string, wanted: string, met: boolean, note = ""): Wish {
  return { text: `${has}, ${wanted} wanted${note}`, met };
}

function preemptible(is: boolean): string {
  return is ? "preemptible instances" : "no preemptible instances";
}

function larger(a: InstanceType, b: InstanceType): number {
  return b.vcpus - a.vcpus || b.ram - a.ram || b.scratch - a.scratch || a.price - b.price;
}

function byName(a: InstanceType, b: InstanceType): number {
  return a.name < b.name ? -1 : 1;
}
