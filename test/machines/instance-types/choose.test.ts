import { describe, expect, it } from "vitest";
import { chooseTypes, resourcesOf } from "../../../src/machines/instance-types/choose.ts";
import {
  containerJsonSchema,
  recordOfJson,
} from "../../../src/machines/instance-types/container-json.ts";
import {
  accommodates,
  roomOf,
  subtract,
  type Room,
} from "../../../src/machines/instance-types/packing.ts";
import type { ContainerRecord } from "../../../src/machines/model/fact.ts";
import type { Resources } from "../../../src/machines/model/instance-type.ts";
import { describeScenarios, settingsOf, type Scenario, type Json } from "../planner/scenarios.ts";

const GIB = 2 ** 30;

function recordOf(json: Json): ContainerRecord {
  const { mounts, container_image, ...runtime_constraints } = json;
  return recordOfJson(
    containerJsonSchema.parse({ mounts, container_image, runtime_constraints }),
    0,
  );
}

function needJson(need: Resources) {
  return {
    VCPUs: need.vcpus,
    RAM: need.ram,
    Scratch: need.scratch,
    GPUs: need.gpus,
    GPUVRAM: need.gpuVram,
  };
}

function needOf(fields: Partial<Resources>): Resources {
  return { vcpus: 0, ram: 0, scratch: 0, gpus: 0, gpuVram: 0, ...fields };
}

function roomOfJson(json: Json): Room {
  return { ...roomOf(undefined), vcpus: json.VCPUs, sharedVcpuUsed: json.shared_vcpu_used };
}

function checkChoice({ given, then }: Scenario) {
  const settings = settingsOf(given.config, given.instance_types);
  const record = recordOf(given.container);
  const choice = chooseTypes(record, settings);
  const need = then.need ?? then.derived?.need;
  if (need) expect(needJson(resourcesOf(record, settings))).toEqual(need);
  if (then.error) {
    expect(choice).toMatchObject({ ok: false, code: then.error, message: then.error_text });
    if (!choice.ok && then.derived) {
      const names = choice.availableTypes.map((type) => type.name);
      expect(names).toEqual(then.derived.available_types_by_price);
    }
    return;
  }
  if (!choice.ok) throw new Error(choice.message);
  const names = choice.types.map((type) => type.name);
  const types = then.types ?? then.asserted?.types ?? then.derived?.types;
  expect(names).toEqual(types);
  if (then.asserted?.first) expect(names[0]).toBe(then.asserted.first);
  if (then.asserted?.all_same_price_as_first) {
    expect(new Set(choice.types.map((type) => type.price)).size).toBe(1);
  }
}

const CHECKS: Record<string, (scenario: Scenario) => void> = {
  "choose types": checkChoice,
  "estimate scratch": ({ given, then }) => {
    const { scratch } = resourcesOf(recordOf(given.container), settingsOf());
    expect(scratch).toBe(then.asserted.bytes);
  },
  "resources needed": ({ given, then }) => {
    const need = resourcesOf(recordOf(given.container), settingsOf(given.config));
    expect(needJson(need)).toEqual(then.need);
  },
  "accommodates?": ({ given, then }) => {
    const need = needOf({ vcpus: given.container.VCPUs });
    expect(accommodates(roomOfJson(given.remaining), need)).toBe(then.asserted);
  },
  subtract: ({ given, then }) => {
    const room = roomOfJson(given.remaining);
    subtract(room, needOf({ vcpus: given.container.VCPUs }));
    expect(room.sharedVcpuUsed).toBe(then.asserted.shared_vcpu_used);
    expect(room.vcpus).toBe(then.derived.VCPUs);
  },
};

describeScenarios("node_size", (scenario) => {
  const check = CHECKS[scenario.when];
  if (!check) throw new Error(`no check for "${scenario.when}"`);
  check(scenario);
});

describe("resourcesOf", () => {
  it("counts in integers where doubles would be off by one", () => {
    const record = recordOf({ vcpus: 1, ram: 90_071_992_547_409 });
    expect(resourcesOf(record, settingsOf()).ram).toBe(Number((90_071_992_547_409n * 100n) / 95n));
  });

  it("reserves the image twice where there are no tmp mounts", () => {
    const container_image = `${"0".repeat(32)}+342`;
    const { scratch } = resourcesOf(recordOf({ vcpus: 1, container_image }), settingsOf());
    expect(scratch).toBe(805_306_368);
  });
});

describe("chooseTypes", () => {
  const type = { VCPUs: 2, RAM: 4 * GIB, Scratch: 0, Preemptible: false };

  it("offers a type at exactly the price ceiling and none above it", () => {
    const types = {
      a: { ...type, Price: 0.246 },
      b: { ...type, Price: 0.369 },
      c: { ...type, Price: 0.37 },
    };
    const settings = settingsOf({ MaximumPriceFactor: 1.5 }, types);
    const choice = chooseTypes(recordOf({ vcpus: 1, ram: 1 }), settings);
    expect(choice.ok && choice.types.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  it("has no ceiling beside a type that costs nothing", () => {
    const types = { free: { ...type, Price: 0 }, dear: { ...type, Price: 9 } };
    const settings = settingsOf({ MaximumPriceFactor: 1.5 }, types);
    const choice = chooseTypes(recordOf({ vcpus: 1, ram: 1 }), settings);
    expect(choice.ok && choice.types.map(({ name }) => name)).toEqual(["free", "dear"]);
  });

  it("offers preemptible types only to those who ask, and the others only to the rest", () => {
    const types = { od: { ...type, Price: 1 }, spot: { ...type, Price: 0.5, Preemptible: true } };
    const record = recordOf({ vcpus: 1, ram: 1 });
    const settings = settingsOf({}, types);
    const names = [true, false].map((preemptible) => {
      const choice = chooseTypes({ ...record, preemptible }, settings);
      return choice.ok && choice.types.map(({ name }) => name);
    });
    expect(names).toEqual([["spot"], ["od"]]);
  });

  const gpu = { Stack: "cuda", DriverVersion: "11.4", HardwareTarget: "9.0", DeviceCount: 1 };
  const withGpu = settingsOf({}, { g: { ...type, Price: 1, GPU: { ...gpu, VRAM: 8 * GIB } } });
  const wanted = { stack: "cuda", device_count: 1, driver_version: "11.0", vram: GIB };
  it.each([
    ["a lower capability", { ...wanted, hardware_target: ["8.6"] }, true],
    ["a higher capability", { ...wanted, hardware_target: ["9.1"] }, false],
    ["a capability that is no number", { ...wanted, hardware_target: ["sm_90"] }, false],
    ["no capability at all", { ...wanted, hardware_target: [] }, false],
    [
      "several capabilities, one of them its own",
      { ...wanted, hardware_target: ["8.0", "9.0"] },
      true,
    ],
    ["several lower capabilities", { ...wanted, hardware_target: ["8.0", "8.6"] }, false],
    [
      "a driver 11.10, which counts as 11.1",
      { ...wanted, hardware_target: ["9.0"], driver_version: "11.10" },
      true,
    ],
    [
      "a driver version that is no number",
      { ...wanted, hardware_target: ["9.0"], driver_version: "11.0.1" },
      false,
    ],
    ["more memory per device", { ...wanted, hardware_target: ["9.0"], vram: 9 * GIB }, false],
    ["more devices", { ...wanted, hardware_target: ["9.0"], device_count: 2 }, false],
  ])("a GPU type and a container that wants %s", (_what, gpuWanted, ok) => {
    expect(chooseTypes(recordOf({ vcpus: 1, ram: 1, gpu: gpuWanted }), withGpu).ok).toBe(ok);
  });
});

describe("packing", () => {
  it("compares the memory of a GPU device and does not use it up", () => {
    const room: Room = { ...roomOf(undefined), vcpus: 8, ram: GIB, gpus: 2, gpuVram: 8 };
    const need = needOf({ vcpus: 1, gpus: 1, gpuVram: 8 });
    subtract(room, need);
    expect(accommodates(room, need)).toBe(true);
    subtract(room, need);
    expect(accommodates(room, need)).toBe(false);
  });
});
