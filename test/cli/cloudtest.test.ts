import { describe, expect, it } from "vitest";
import { chooseTestType, driverRuns, runEach } from "../../src/cli/cloudtest/targets.ts";
import { instanceSetId } from "../../src/config/instance-set-id.ts";
import { CloudError, type InstanceSet } from "../../src/drivers/cloud/port.ts";
import { Chance } from "../../src/simulator/chance.ts";
import { instanceType } from "../support/settings.ts";
import { Rig, SET_ID, shell, type RigOptions } from "./cloudtest-rig.ts";
import { makeTempDir, runCli, writeConfig } from "./test-io.ts";

const GONE = { left: [], isUncertain: false };
const other = (message: string) => new CloudError({ code: "other", message });
const lost = () => other("connection reset by peer");

describe("a run of cloudtest that goes well", () => {
  it("goes through all steps in their order, with their times", async () => {
    const rig = new Rig({ latencyMs: 3, bootMs: 40 });
    expect(await rig.run()).toEqual({ ok: true, instanceId: "i-000001", ...GONE });
    expect(rig.steps.results.map(({ step, outcome }) => `${step} ${outcome}`)).toEqual([
      "existing ok",
      "create ok",
      "listed ok",
      "tags ok",
      "boot ok",
      "command ok",
      "destroy ok",
    ]);
    expect(rig.spanOf("create")).toBe(3);
    expect(rig.spanOf("boot")).toBeGreaterThanOrEqual(35);
    expect(rig.cloud.instanceIds).toEqual([]);
  });

  it("tags the instance with set, secret and process beside the resource tags, and shows no secret", async () => {
    let tags: Readonly<Record<string, string>> = {};
    let init = "";
    const rig = new Rig({
      driver: (inner) => ({
        create: (request, signal) => {
          [tags, init] = [request.tags, request.initCommand];
          return inner.create(request, signal);
        },
      }),
      cloudVMs: { InstanceInitCommand: "echo site" },
    });
    await rig.run();
    expect(tags).toEqual({
      testtagkey: "testtagvalue",
      "tagprefix:CloudTestPID": "4711",
      "tagprefix:InstanceSetID": SET_ID,
      "tagprefix:InstanceSecret": rig.secret,
    });
    expect(rig.secret).toMatch(/^[0-9a-f]{40}$/);
    expect(new Rig().secret).not.toBe(rig.secret);
    expect(init).toBe(
      `umask 0177 && echo -n "${rig.secret}" >/var/run/arvados-instance-secret\necho site`,
    );
    expect(rig.log).not.toContain(rig.secret);
  });

  it("says how to log in as soon as the address is known", async () => {
    const rig = new Rig({
      bootMs: 20,
      driver: (inner, { clock }) => {
        const knownAtMs = clock.nowMs() + 12;
        return {
          create: async (request, signal) => ({
            ...(await inner.create(request, signal)),
            address: "",
          }),
          list: async (wanted, signal) =>
            (await inner.list(wanted, signal)).map((instance) => ({
              ...instance,
              address: clock.nowMs() < knownAtMs ? "" : "2001:db8::7",
            })),
        };
      },
    });
    expect(await rig.run()).toMatchObject({ ok: true });
    expect(rig.log.match(/ssh -p22 root@2001:db8::7\n/g)).toHaveLength(1);
    expect(rig.log.indexOf("has no address")).toBeLessThan(rig.log.indexOf("ssh -p22"));
  });

  it("leaves instances of other sets alone", async () => {
    const rig = new Rig({ choices: { destroyExisting: true } });
    const { instanceId } = await rig.existing("another-set");
    expect(await rig.run()).toMatchObject({ ok: true });
    expect(rig.cloud.instanceIds).toEqual([instanceId]);
    expect(rig.messageOf("existing")).toContain("1 of other sets left alone");
  });

  it("with -destroy-existing destroys those of its own set until they are gone", async () => {
    let refusals = 3;
    const rig = new Rig({
      choices: { destroyExisting: true },
      driver: (inner) => ({
        destroy: async (instanceId, signal) => {
          if (refusals-- > 0) throw lost();
          return inner.destroy(instanceId, signal);
        },
      }),
    });
    await rig.existing(SET_ID);
    await rig.existing(SET_ID);
    expect(await rig.run()).toMatchObject({ ok: true });
    expect(rig.cloud.instanceIds).toEqual([]);
    expect(rig.cloud.createdCount).toBe(3);
  });
});

describe("a step that fails", () => {
  it("keeps an instance whose create call failed, and finds it by its secret", async () => {
    const rig = new Rig({
      driver: (inner) => ({
        create: async (request, signal) => {
          await inner.create(request, signal);
          throw lost();
        },
      }),
    });
    expect(await rig.run()).toEqual({ ok: false, instanceId: "i-000001", ...GONE });
    expect(rig.outcomeOf("create")).toBe("failed");
    expect(rig.outcomeOf("command")).toBe("ok");
    expect(rig.cloud.instanceIds).toEqual([]);
  });

  it("waits until TimeoutBooting for an instance whose create call failed", async () => {
    const rig = new Rig({
      driver: () => ({
        create: async () => {
          throw lost();
        },
      }),
    });
    expect(await rig.run()).toEqual({ ok: false, instanceId: null, ...GONE });
    expect(rig.spanOf("listed")).toBe(150);
    expect(rig.outcomeOf("destroy")).toBe("skipped");
  });

  it.each(["quota", "capacity", "rateLimited", "unauthorized", "refused"] as const)(
    "does not wait for an instance that the cloud refused: %s",
    async (code) => {
      const rig = new Rig({
        driver: () => ({
          create: async () => {
            throw new CloudError({ code, message: "no" });
          },
        }),
      });
      const startMs = rig.clock.nowMs();
      expect(await rig.run()).toEqual({ ok: false, instanceId: null, ...GONE });
      expect(rig.clock.nowMs() - startMs).toBe(0);
    },
  );

  it("goes on when the new instance is not listed at once", async () => {
    let hidden = 2;
    const rig = new Rig({
      driver: (inner) => ({
        list: async (wanted, signal) => (hidden-- > 0 ? [] : inner.list(wanted, signal)),
      }),
    });
    expect(await rig.run()).toMatchObject({ ok: false, ...GONE });
    expect(rig.messageOf("listed")).toContain("not in the list");
    expect(rig.outcomeOf("command")).toBe("ok");
  });

  it("names the tags that are missing or differ, but not the secret", async () => {
    const rig = new Rig({
      driver: (inner, { plan, secret }) => ({
        list: async (wanted, signal) =>
          (await inner.list(wanted, signal)).map((instance) => ({
            ...instance,
            tags: { [plan.setIdTag]: "x", [plan.secretTag]: `${secret}x` },
          })),
      }),
    });
    expect(await rig.run()).toMatchObject({ ok: false, ...GONE });
    expect(rig.messageOf("tags")).toBe(
      'testtagkey is missing; tagprefix:CloudTestPID is missing; tagprefix:InstanceSetID is "x", ' +
        `expected "${SET_ID}"; tagprefix:InstanceSecret differs`,
    );
    expect(rig.log).not.toContain(rig.secret);
    expect(rig.cloud.instanceIds).toEqual([]);
  });

  it("runs the command all the same when the boot probe never succeeded", async () => {
    const rig = new Rig({ cloudVMs: { BootProbeCommand: "falsey" } });
    expect(await rig.run()).toMatchObject({ ok: false, ...GONE });
    expect(rig.spanOf("boot")).toBeGreaterThanOrEqual(150);
    expect(rig.outcomeOf("command")).toBe("ok");
    // The same failure again and again is told once, and at the end.
    expect(rig.log.match(/command not found/g)).toHaveLength(2);
  });

  it("shows what the command wrote, without what would steer the terminal", async () => {
    const rig = new Rig({
      choices: { command: "show" },
      shell: (command) =>
        command === "show"
          ? { exitCode: 3, stdout: "one\ntwo\n", stderr: "\u001b[2Jthree" }
          : shell(command),
    });
    expect(await rig.run()).toMatchObject({ ok: false });
    expect(rig.messageOf("command")).toContain("exit status 3");
    for (const word of ["stdout: one", "two", "stderr:", "three"]) expect(rig.log).toContain(word);
    expect(rig.log).not.toContain("\u001b");
  });

  it("is one where the driver throws what is no CloudError, too", async () => {
    let bugs = 2;
    const rig = new Rig({
      driver: (inner) => ({
        destroy: async (instanceId, signal) => {
          if (bugs-- > 0) throw new TypeError("undefined is not a function");
          return inner.destroy(instanceId, signal);
        },
      }),
    });
    expect(await rig.run()).toEqual({ ok: true, instanceId: "i-000001", ...GONE });
    expect(rig.log).toContain("undefined is not a function");
  });

  it("does not end before every instance that carries the secret is gone", async () => {
    const rig = new Rig({
      driver: (inner) => ({
        create: async (request, signal) => {
          await inner.create(request, signal);
          return inner.create(request, signal);
        },
      }),
    });
    expect(await rig.run()).toMatchObject(GONE);
    expect(rig.cloud.createdCount).toBe(2);
    expect(rig.cloud.instanceIds).toEqual([]);
  });

  it("is a call without an answer, which ends at its deadline", async () => {
    const rig = new Rig({ driver: () => ({ create: () => new Promise(() => {}) }) });
    expect(await rig.run()).toEqual({ ok: false, instanceId: null, ...GONE });
    expect(rig.spanOf("create")).toBe(300_000);
  });
});

describe("an interrupt", () => {
  const slowBoot: RigOptions = { latencyMs: 5, bootMs: 100 };

  it("destroys the instance, whenever it comes", async () => {
    for (let atMs = 0; atMs <= 120; atMs++) {
      const rig = new Rig(slowBoot);
      rig.at(atMs, () => rig.interrupt.abort("SIGINT"));
      expect(await rig.run()).toMatchObject({ ok: false, ...GONE });
      expect(rig.cloud.instanceIds).toEqual([]);
      // 15 ms are three calls: the list of those that were there, the create, the list after it.
      if (atMs > 15 && atMs < 100) expect(rig.outcomeOf("boot")).toBe("interrupted");
      if (atMs < 15) expect(rig.outcomeOf("tags")).toBeUndefined();
    }
  });

  it("waits for the create call's answer", async () => {
    const rig = new Rig({
      driver: (inner, { clock }) => ({
        create: async (request, signal) => {
          await new Promise<void>((resolve) => clock.setTimer(60_000, resolve));
          return inner.create(request, signal);
        },
      }),
    });
    rig.at(10, () => rig.interrupt.abort("SIGINT"));
    expect(await rig.run()).toEqual({ ok: false, instanceId: "i-000001", ...GONE });
    expect(rig.cloud.instanceIds).toEqual([]);
    expect(rig.outcomeOf("tags")).toBeUndefined();
  });

  it("looks once more for an instance whose create call failed", async () => {
    const rig = new Rig({
      driver: (inner, { clock }) => ({
        create: async (request, signal) => {
          clock.setTimer(8, () => void inner.create(request, signal));
          throw lost();
        },
      }),
    });
    rig.at(1, () => rig.interrupt.abort("SIGINT"));
    expect(await rig.run()).toEqual({ ok: false, instanceId: "i-000001", ...GONE });
    expect(rig.cloud.instanceIds).toEqual([]);
  });

  it("ends the pause before the end, which only comes when asked for", async () => {
    const rig = new Rig({ waitBeforeDestroy: () => new Promise(() => {}) });
    rig.at(50_000, () => rig.interrupt.abort("SIGINT"));
    expect(await rig.run()).toMatchObject({ ok: false, ...GONE });
    expect(rig.outcomeOf("pause")).toBe("interrupted");
  });

  it("gives up the second time, and tells what is left", async () => {
    const rig = new Rig({ driver: () => ({ destroy: async () => Promise.reject(lost()) }) });
    rig.at(1_000, () => rig.interrupt.abort("SIGINT"));
    rig.at(2_000, () => rig.giveUp.abort("SIGINT"));
    expect(await rig.run()).toMatchObject({ ok: false, left: ["i-000001"] });
    expect(rig.outcomeOf("destroy")).toBe("interrupted");
  });

  it("leaves out the subnets to come", async () => {
    const runs = driverRuns({ SubnetID: ["a", "b", "c"] });
    const interrupt = new AbortController();
    const seen: unknown[] = [];
    const { ok } = await runEach(runs, interrupt.signal, async ({ subnetId }) => {
      seen.push(subnetId);
      if (subnetId === "b") interrupt.abort();
      return { ok: true };
    });
    expect({ ok, seen }).toEqual({ ok: false, seen: ["a", "b"] });
  });
});

/** A driver of which any call may fail, in the way that keeps its promise and in the way that does not. */
function flaky(chance: Chance, share: number) {
  return (inner: InstanceSet): Partial<InstanceSet> => ({
    create: async (request, signal) => {
      if (chance.happens(share)) throw lost();
      const instance = await inner.create(request, signal);
      if (chance.happens(share)) throw lost();
      return instance;
    },
    list: async (tags, signal) => {
      if (chance.happens(share)) throw lost();
      return inner.list(tags, signal);
    },
    destroy: async (instanceId, signal) => {
      if (chance.happens(share)) throw lost();
      await inner.destroy(instanceId, signal);
      if (chance.happens(share)) throw lost();
    },
  });
}

describe("on a driver that fails at random", () => {
  it("leaves nothing behind, and calls nothing well that was not", async () => {
    let well = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const chance = new Chance(seed);
      const rig = new Rig({
        latencyMs: chance.between(0, 10),
        bootMs: chance.between(0, 200),
        driver: flaky(chance, chance.next() * 0.5),
      });
      if (chance.happens(0.3)) rig.at(chance.between(0, 200), () => rig.interrupt.abort("SIGINT"));
      const result = await rig.run();
      expect(result, `seed ${seed}:\n${rig.log}`).toMatchObject(GONE);
      expect(rig.cloud.instanceIds, `seed ${seed}:\n${rig.log}`).toEqual([]);
      if (result.ok) expect(rig.commands).toContain("true");
      well += Number(result.ok);
    }
    expect(well).toBeGreaterThan(20);
    expect(well).toBeLessThan(280);
  });
});

describe("what is tested", () => {
  it("is the cheapest type, of two as cheap the first by name, or the one that is asked for", () => {
    const type = (name: string, price: number) => ({ ...instanceType(1), name, price });
    const types = { c: type("c", 1), b: type("b", 1), a: type("a", 2) };
    expect(chooseTestType(types, undefined).name).toBe("b");
    expect(chooseTestType(types, "a").name).toBe("a");
    expect(() => chooseTestType(types, "toString")).toThrow(/not found.*there are: a, b, c/);
    expect(() => chooseTestType({}, undefined)).toThrow(/no instance types configured/);
  });

  it("is each subnet of a list of two or more, and the parameters as they are otherwise", () => {
    for (const parameters of [{}, { SubnetID: "a" }, { SubnetID: ["a"] }]) {
      expect(driverRuns(parameters)).toEqual([
        { subnetId: undefined, driverParameters: parameters },
      ]);
    }
    const [, second] = driverRuns({ Region: "r", SubnetID: ["a", "b"] });
    expect(second?.driverParameters).toEqual({ Region: "r", SubnetID: "b" });
  });
});

describe("the command line of cloudtest", () => {
  const token = "t".repeat(40);
  function config(driver: string): string {
    return writeConfig({
      ManagementToken: token,
      SystemRootToken: token,
      DispatchCloud: { DataDir: makeTempDir() },
      InstanceTypes: { small: { VCPUs: 1, RAM: "1GiB", Price: 0.1 } },
      Containers: { CloudVMs: { Driver: driver } },
    });
  }

  it("exits 2 for a wrong flag, an unknown type, and the set of the dispatcher itself", async () => {
    const path = config("loopback");
    const wrong = [
      [["-instance-typ", "small"], "did you mean --instance-type?"],
      [["-instance-type", "smal"], "did you mean small?"],
      [["-instance-set-id", ""], "must not be empty"],
      [["-instance-set-id", instanceSetId(token)], "is the set of this cluster's dispatcher"],
      [["stray"], "unrecognized command line arguments: stray"],
    ] as const;
    for (const [args, text] of wrong) {
      const { exitCode, stdout, stderr } = await runCli(["cloudtest", "-config", path, ...args]);
      expect({ args, exitCode, stdout }).toEqual({ args, exitCode: 2, stdout: "" });
      expect(stderr).toContain(text);
    }
  });

  it("exits 1 and says so, as JSON too, where the driver does not open", async () => {
    const { exitCode, stdout, stderr } = await runCli([
      "cloudtest",
      `-config=${config("nimbus")}`,
      "-json",
    ]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain('unsupported cloud driver "nimbus"');
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      instance_type: "small",
      runs: [{ ok: false, instance: null, left: [], steps: [{ step: "driver" }] }],
    });
  });
});
