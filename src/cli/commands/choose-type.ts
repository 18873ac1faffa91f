import { z } from "zod";
import { isMap } from "../../config/document.ts";
import type { InstanceType } from "../../machines/model/instance-type.ts";
import { chooseTypes, resourcesOf } from "../../machines/instance-types/choose.ts";
import { containerJsonSchema, recordOfJson } from "../../machines/instance-types/container-json.ts";
import { readInput } from "../../machines/planner/read-input.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { asBadInput, readJsonInput } from "../json-input.ts";
import { configBehind, makeSettingsReader } from "../settings-input.ts";

export const chooseTypeCommand = defineCommand({
  name: "choose-type",
  summary: "Answers which instance types a container may run on, cheapest first.",
  flags: { config: CONFIG_FLAG },
  args: { usage: "[CONTAINER|-]", min: 0, max: 1 },
  notes: [
    'The input is JSON: a container record as the API returns it, or {"config": …, "container": …}. When no type ' +
      'fits, the output is {"error": …, "message": …, "available_types": […]} and the exit code 1.',
  ],
  exitCodes: {
    [EXIT.failed]: "no instance type fits",
    [EXIT.usage]: "wrong usage or bad input; the message names the path in it",
  },
  examples: ["dispatch-cloud choose-type --config config.yml container.json"],
  async run({ flags, args, io }) {
    const input = await readJsonInput(args[0], io);
    const isPair = isMap(input) && "container" in input;
    const config = isPair ? (input["config"] ?? undefined) : undefined;
    const fromFile = await configBehind(flags.config, config !== undefined, io);
    const settings = makeSettingsReader(fromFile, io)(config);
    const json = asBadInput(() =>
      isPair ? readInput(pairSchema, input).container : readInput(containerJsonSchema, input),
    );
    // Neither the choice nor the sizes depend on when it was made.
    const record = recordOfJson(json, 0);
    const choice = chooseTypes(record, settings);
    if (!choice.ok) {
      const { code, message, availableTypes } = choice;
      print(io.out, { error: code, message, available_types: availableTypes.map(typeJson) });
      return EXIT.failed;
    }
    const { vcpus, ram, scratch, gpus, gpuVram } = resourcesOf(record, settings);
    print(io.out, {
      resources: { VCPUs: vcpus, RAM: ram, Scratch: scratch, GPUs: gpus, GPUVRAM: gpuVram },
      instance_types: choice.types.map(typeJson),
    });
    return EXIT.ok;
  },
});

const pairSchema = z.object({ container: containerJsonSchema });

function typeJson(type: InstanceType): Record<string, unknown> {
  const { stack, driverVersion, hardwareTarget, deviceCount, vram } = type.gpu;
  return {
    Name: type.name,
    ProviderType: type.providerType,
    VCPUs: type.vcpus,
    RAM: type.ram,
    Scratch: type.scratch,
    IncludedScratch: type.includedScratch,
    AddedScratch: type.addedScratch,
    Price: type.price,
    Preemptible: type.preemptible,
    GPU: {
      Stack: stack,
      DriverVersion: driverVersion,
      HardwareTarget: hardwareTarget,
      DeviceCount: deviceCount,
      VRAM: vram,
    },
  };
}

function print(out: (text: string) => void, json: unknown): void {
  out(`${JSON.stringify(json, null, 2)}\n`);
}
