import type { InstanceType, Resources } from "../model/instance-type.ts";

/** What is left of an instance (specification §5.3). Changed in place: a pass of the planner subtracts thousands of times. */
export interface Room {
  vcpus: number;
  ram: number;
  scratch: number;
  gpus: number;
  /** Of each device. It is a property of the device, so that packing compares it and never subtracts it. */
  gpuVram: number;
  /** A container that asked for no VCPU was placed here: all of those share one, which nobody else gets. */
  sharedVcpuUsed: boolean;
}

/** Everything that an instance of the type offers; nothing where the type is not configured. */
export function roomOf(type: InstanceType | undefined): Room {
  return {
    vcpus: type?.vcpus ?? 0,
    ram: type?.ram ?? 0,
    scratch: type?.scratch ?? 0,
    gpus: type?.gpu.deviceCount ?? 0,
    gpuVram: type?.gpu.vram ?? 0,
    sharedVcpuUsed: false,
  };
}

export function accommodates(room: Room, need: Resources): boolean {
  return (
    room.vcpus > 0 &&
    room.vcpus >= need.vcpus &&
    room.ram >= need.ram &&
    room.scratch >= need.scratch &&
    room.gpus >= need.gpus &&
    room.gpuVram >= need.gpuVram &&
    (!room.sharedVcpuUsed || room.vcpus > need.vcpus)
  );
}

export function subtract(room: Room, need: Resources): void {
  room.vcpus -= need.vcpus;
  room.ram -= need.ram;
  room.scratch -= need.scratch;
  room.gpus -= need.gpus;
  if (need.vcpus === 0) room.sharedVcpuUsed = true;
}

/** What runs there is not known: nothing more is placed on it. */
export function fill(room: Room): void {
  room.vcpus = 0;
  room.ram = 0;
  room.scratch = 0;
  room.gpus = 0;
}
