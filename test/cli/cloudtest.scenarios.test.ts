import { expect } from "vitest";
import { chooseTestType, driverRuns, runEach } from "../../src/cli/cloudtest/targets.ts";
import { describeScenarios, type Scenario } from "../drivers/scenarios.ts";
import { instanceType } from "../support/settings.ts";
import { Rig, SET_ID } from "./cloudtest-rig.ts";

/** A tenth of the destroys fails: one seed would prove little. */
const SEEDS = Array.from({ length: 50 }, (_, at) => at + 1);

async function runLife({ given, then }: Scenario): Promise<void> {
  for (const seed of SEEDS) {
    const rig = new Rig({
      seed,
      cloudVMs: {
        SyncInterval: given.SyncInterval,
        TimeoutBooting: given.TimeoutBooting,
        ProbeInterval: given.ProbeInterval,
        TagKeyPrefix: given.prefix,
        ResourceTags: given.tags,
        BootProbeCommand: given.boot_probe,
      },
      choices: {
        instanceSetId: given.set_id,
        imageId: given.image,
        command: given.shell_command,
      },
    });
    rig.cloud.destroyFailureProbability = given.driver.ErrorRateDestroy;
    const result = await rig.run();
    expect(result).toMatchObject({ ok: then.asserted.ok, left: [], isUncertain: false });
    expect(rig.log).toContain(then.asserted.log_contains ?? "is gone");
    expect(rig.cloud.instanceIds).toEqual([]);
    expect(rig.cloud.createdCount).toBe(1);
  }
}

describeScenarios("cloudtest.json", {
  runs: {
    "arv.cloudtest.*": runLife,
    "drv.cloudtest.existing_instance": async ({ given, then }) => {
      const rig = new Rig({ choices: { destroyExisting: given.destroy_existing } });
      const { instanceId } = await rig.existing(SET_ID);
      const { ok } = await rig.run();
      expect({ ok, created: rig.calls.includes("create") }).toEqual(then);
      expect(rig.cloud.instanceIds).toEqual([instanceId]);
      expect(rig.messageOf("existing")).toContain(instanceId);
    },
    "drv.cloudtest.multiple_subnets": async ({ given, then }) => {
      const runs = driverRuns(given.DriverParameters);
      expect(runs.map(({ driverParameters }) => driverParameters)).toEqual(then.runs);
      const never = new AbortController().signal;
      for (const failing of ["none", "a", "b"]) {
        const seen: unknown[] = [];
        const { ok } = await runEach(runs, never, async ({ subnetId }) => {
          seen.push(subnetId);
          return { ok: subnetId !== failing };
        });
        expect(seen).toEqual(["a", "b"]);
        expect(ok).toBe(failing === "none");
      }
    },
    "drv.cloudtest.cheapest_type": ({ given, then }) => {
      const types = Object.entries(given.instance_types as Record<string, { Price: number }>).map(
        ([name, { Price }]) => [name, { ...instanceType(1), name, price: Price }] as const,
      );
      const chosen = chooseTestType(Object.fromEntries(types), given.flag ?? undefined);
      expect(chosen.name).toBe(then.type);
    },
  },
});
