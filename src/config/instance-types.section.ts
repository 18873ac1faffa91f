import { z } from "zod";
import { byteSize, count, decimal, flag, key, optionalSection, section, text } from "./fields.ts";

const gpu = optionalSection({
  stack: key("Stack", text("")),
  driverVersion: key("DriverVersion", text(""), 'A number in quotes, such as "11.0"'),
  hardwareTarget: key("HardwareTarget", text("")),
  deviceCount: key("DeviceCount", count(0)),
  vram: key("VRAM", byteSize(0, 0), "Per GPU"),
});

const instanceType = section({
  providerType: key(
    "ProviderType",
    text(""),
    "The cloud's name for it; default: the entry's own name",
  ),
  vcpus: key("VCPUs", count(0)),
  ram: key("RAM", byteSize(0, 0)),
  includedScratch: key("IncludedScratch", byteSize(0, 0)),
  addedScratch: key("AddedScratch", byteSize(0, 0)),
  price: key("Price", decimal(0), "Per hour"),
  preemptible: key("Preemptible", flag(false)),
  gpu: key("GPU", gpu),
});

/** `Clusters.<id>.InstanceTypes` (specification §1.4). Names and computed fields are added by instance-types.ts. */
export const instanceTypes = z
  .record(z.string(), instanceType, { error: "a map from names to instance types" })
  .prefault({});
