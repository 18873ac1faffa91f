import { z } from "zod";
import { byteSize, count, decimal, flag, section, text } from "./fields.ts";

const gpu = section({
  Stack: text(""),
  DriverVersion: text("").describe('A number in quotes, such as "11.0"'),
  HardwareTarget: text(""),
  DeviceCount: count(0),
  VRAM: byteSize(0, 0).describe("Per GPU"),
})
  .prefault({})
  .transform((o) => ({
    stack: o.Stack,
    driverVersion: o.DriverVersion,
    hardwareTarget: o.HardwareTarget,
    deviceCount: o.DeviceCount,
    vram: o.VRAM,
  }));

const instanceType = section({
  ProviderType: text("").describe("The cloud's name for it; default: the entry's own name"),
  VCPUs: count(0),
  RAM: byteSize(0, 0),
  IncludedScratch: byteSize(0, 0),
  AddedScratch: byteSize(0, 0),
  Price: decimal(0).describe("Per hour"),
  Preemptible: flag(false),
  GPU: gpu,
}).transform((o) => ({
  providerType: o.ProviderType,
  vcpus: o.VCPUs,
  ram: o.RAM,
  includedScratch: o.IncludedScratch,
  addedScratch: o.AddedScratch,
  price: o.Price,
  preemptible: o.Preemptible,
  gpu: o.GPU,
}));

/** `Clusters.<id>.InstanceTypes` (specification §1.4). Names and computed fields are added by instance-types.ts. */
export const instanceTypes = z
  .record(z.string(), instanceType, { error: "a map from names to instance types" })
  .prefault({});
