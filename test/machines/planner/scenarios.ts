import { describe, it } from "vitest";
import { readScenarios } from "../../support/scenarios.ts";
import { DEFAULT_NUMBERS, type Settings } from "../../../src/machines/model/settings.ts";
import { NO_GPU, type InstanceType } from "../../../src/machines/model/instance-type.ts";

/** The files have a shape of their own per case. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Json = any;

export interface Scenario {
  readonly id: string;
  readonly when: string;
  readonly given: Json;
  readonly then: Json;
}

/** A test per case of the file. */
export function describeScenarios(
  name: string,
  run: (scenario: Scenario, skip: (why: string) => void) => void,
): void {
  describe(`${name}.json`, () => {
    for (const scenario of readScenarios<Scenario>(name)) {
      it(scenario.id, (context) => run(scenario, context.skip));
    }
  });
}

export function typesOf(json: Record<string, Json> = {}): Record<string, InstanceType> {
  const entries = Object.entries(json).map(([name, type]): [string, InstanceType] => [
    name,
    {
      name,
      providerType: type.ProviderType || name,
      vcpus: type.VCPUs,
      ram: type.RAM,
      includedScratch: type.Scratch,
      addedScratch: 0,
      scratch: type.Scratch,
      price: type.Price,
      preemptible: type.Preemptible,
      gpu: type.GPU
        ? {
            stack: type.GPU.Stack,
            driverVersion: type.GPU.DriverVersion,
            hardwareTarget: type.GPU.HardwareTarget,
            deviceCount: type.GPU.DeviceCount,
            vram: type.GPU.VRAM,
          }
        : NO_GPU,
    },
  ]);
  return Object.fromEntries(entries);
}

/** Settings in which the keys that a case leaves out are zero, as in the tests that the cases come from. */
export function settingsOf(config: Json = {}, types: Record<string, Json> = {}): Settings {
  return {
    clusterId: "zzzzz",
    instanceTypes: typesOf(types),
    quotaGroups: {},
    ...DEFAULT_NUMBERS,
    maximumPriceFactor: config.MaximumPriceFactor ?? 0,
    reserveExtraRam: config.ReserveExtraRAM ?? 0,
    localKeepBlobBuffersPerVcpu: config.LocalKeepBlobBuffersPerVCPU ?? 0,
    maxInstances: config.MaxInstances ?? 0,
    maxConcurrentInstanceCreateOps: 0,
    maxRunningContainersPerInstance: config.MaxRunningContainersPerInstance ?? 0,
    initialQuotaEstimate: config.InitialQuotaEstimate ?? 0,
    supervisorFraction: config.SupervisorFraction ?? 0,
    timeoutStartMs: 60_000,
    planIntervalMs: 100,
  };
}
