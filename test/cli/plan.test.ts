import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeTempDir, runCli, writeConfig } from "./test-io.ts";

const UUID = "zzzzz-dz642-000000000000001";
const CONFIG = { InstanceTypes: { type1: { VCPUs: 1, RAM: 1181116006, Price: 0.123 } } };
const SNAPSHOT = {
  now: "2026-01-01T00:00:00Z",
  config: CONFIG,
  queue: {
    entries: [
      {
        container: {
          uuid: UUID,
          state: "Locked",
          priority: 4,
          runtime_constraints: { vcpus: 1, ram: 1_000_000 },
        },
        instance_types: ["type1"],
      },
    ],
  },
};

const plan = (input: unknown, ...args: string[]) =>
  runCli(["plan", ...args], { stdin: typeof input === "string" ? input : JSON.stringify(input) });

describe("plan", () => {
  it("prints decisions, queue, limits and metrics of a snapshot on standard input", async () => {
    const { exitCode, stdout, stderr } = await plan(SNAPSHOT, "-");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const output = JSON.parse(stdout);
    expect(output.decisions).toMatchObject([
      { do: "create", instance_type: "type1", container: UUID },
    ]);
    expect(output.queue).toMatchObject([{ container: UUID, state: "Locked", priority: 4 }]);
    expect(output.limits).toHaveProperty("max_containers");
    expect(output.metrics).toHaveProperty("containers_allocated_not_started");
  });

  it("prints the same for a file, and for a config from --config", async () => {
    const expected = await plan(SNAPSHOT);
    const path = join(makeTempDir(), "snapshot.json");
    writeFileSync(path, JSON.stringify(SNAPSHOT));
    expect(await runCli(["plan", path])).toEqual(expected);
    const { config, ...rest } = SNAPSHOT;
    expect(await plan(rest, "--config", writeConfig(config))).toEqual(expected);
  });

  it("hands on priorities beyond 2^53 digit by digit", async () => {
    const priority = "562949953421312001";
    const input = JSON.stringify(SNAPSHOT).replace('"priority":4', `"priority":${priority}`);
    expect((await plan(input)).stdout).toContain(`"priority": ${priority}`);
  });

  it("warns of members that it does not know, wherever they are, but in a container's record", async () => {
    const [entry] = SNAPSHOT.queue.entries;
    const container = { ...entry?.container, name: "mine", mounts: {} };
    const instance = { instance: "i-1", arvados_instance_type: "type1", worker_state: "idle" };
    const { exitCode, stdout, stderr } = await plan({
      ...SNAPSHOT,
      queue: { entries: [{ ...entry, container, instance_type: ["type1"] }] },
      pol: {},
      pool: { instances: [{ ...instance, idle_behaviour: "drain" }] },
    });
    expect([exitCode, JSON.parse(stdout).decisions[0]?.do]).toEqual([0, "start"]);
    expect(stderr.split("\n")).toEqual([
      "plan: queue.entries[0].instance_type is not known and was passed over; did you mean queue.entries[0].instance_types?",
      "plan: pol is not known and was passed over; did you mean pool?",
      "plan: pool.instances[0].idle_behaviour is not known and was passed over; did you mean pool.instances[0].idle_behavior?",
      "",
    ]);
  });

  it("warns of keys of the given config that it does not know, and of nothing that is absent", async () => {
    const config = { ...CONFIG, Containers: { CloudVMs: { MaxInstance: 3 } } };
    const { exitCode, stderr } = await plan({ ...SNAPSHOT, config });
    expect(exitCode).toBe(0);
    expect(stderr.trimEnd().split("\n")).toEqual([
      expect.stringContaining("warning: config.Containers.CloudVMs.MaxInstance: "),
    ]);
  });

  it.each<[string, unknown]>([
    ["standard input: found nothing, expected JSON", ""],
    ["standard input: found text that is none", "{"],
    ["now: found nothing", { ...SNAPSHOT, now: undefined }],
    ['now: found "yesterday", expected an RFC 3339 time', { ...SNAPSHOT, now: "yesterday" }],
    ['pass: found "all"', { ...SNAPSHOT, pass: "all" }],
    ["pool.quota: found -1, expected at least 0", { ...SNAPSHOT, pool: { quota: -1 } }],
    [
      "queue.entries[0].container.uuid: found 7",
      { ...SNAPSHOT, queue: { entries: [{ container: { uuid: 7 } }] } },
    ],
    ["config.InstanceTypes: expected a map", { ...SNAPSHOT, config: { InstanceTypes: [] } }],
    [
      'string "x" into config.Containers.CloudVMs.MaxInstances: expected a whole number',
      { ...SNAPSHOT, config: { ...CONFIG, Containers: { CloudVMs: { MaxInstances: "x" } } } },
    ],
    ["config: found 7, expected a map", { ...SNAPSHOT, config: 7 }],
    ["found []", []],
  ])("bad input: exit 2, one message that names the path: %s", async (message, input) => {
    const { exitCode, stdout, stderr } = await plan(input);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("says where a config may come from when there is none", async () => {
    const { config: _, ...rest } = SNAPSHOT;
    const { exitCode, stderr } = await plan(rest);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("config: found nothing in the input");
  });
});

describe("choose-type", () => {
  const choose = (input: unknown, ...args: string[]) =>
    runCli(["choose-type", ...args], { stdin: JSON.stringify(input) });
  const container = { runtime_constraints: { vcpus: 1, ram: 1_000_000 } };

  it("prints what is needed and the types that fit, cheapest first", async () => {
    const InstanceTypes = {
      dear: { VCPUs: 2, RAM: "4GiB", Price: 0.15 },
      cheap: { VCPUs: 1, RAM: "2GiB", Price: 0.11 },
      small: { VCPUs: 1, RAM: "100MiB", Price: 0.01 },
    };
    const { exitCode, stdout, stderr } = await choose({ config: { InstanceTypes }, container });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    const output = JSON.parse(stdout);
    expect(output.resources).toMatchObject({ VCPUs: 1, Scratch: 0, GPUs: 0, GPUVRAM: 0 });
    expect(output.instance_types.map((each: { Name: string }) => each.Name)).toEqual([
      "cheap",
      "dear",
    ]);
    expect(output.instance_types[0]).toMatchObject({ Price: 0.11, RAM: 2 * 2 ** 30 });
  });

  it("takes a bare container with the config of --config", async () => {
    const { exitCode, stdout } = await choose(container, "--config", writeConfig(CONFIG));
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).instance_types).toHaveLength(1);
  });

  it("exits 1 when no type fits, and lists those that there are", async () => {
    const big = { runtime_constraints: { vcpus: 9, ram: 1 } };
    const { exitCode, stdout } = await choose({ config: CONFIG, container: big });
    expect(exitCode).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      error: "constraints_not_satisfiable",
      message: "constraints not satisfiable by any configured instance type",
      available_types: [{ Name: "type1" }],
    });
    const none = await choose({ config: {}, container });
    expect(none.exitCode).toBe(1);
    expect(JSON.parse(none.stdout)).toMatchObject({ error: "instance_types_not_configured" });
  });

  it.each<[string, unknown]>([
    [
      'container.runtime_constraints.vcpus: found "1"',
      { config: CONFIG, container: { runtime_constraints: { vcpus: "1" } } },
    ],
    ["container: found 5", { config: CONFIG, container: 5 }],
  ])("bad input: exit 2, with its path: %s", async (message, input) => {
    const { exitCode, stdout, stderr } = await choose(input);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});
