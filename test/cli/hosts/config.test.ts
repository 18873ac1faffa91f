import { describe, expect, it } from "vitest";
import { adviceFor } from "../../../src/cli/hosts/advice.ts";
import {
  idleTypes,
  newConfig,
  putHost,
  putHostKey,
  removeHost,
  useStaticDriver,
} from "../../../src/cli/hosts/config-changes.ts";
import { ConfigText } from "../../../src/cli/hosts/config-text.ts";
import { measuredType, placeType } from "../../../src/cli/hosts/instance-type.ts";
import { chooseName, parseLogin } from "../../../src/cli/hosts/login.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { facts, GIB } from "./facts.ts";

const KEY = `SHA256:${"k".repeat(43)}`;
const host = { address: "box1", user: "alice", hostKey: KEY };
const HOST = { cpus: 1, ramBytes: 1, tmpBytes: 1 };
const findings = (text: string) =>
  loadConfig(text, { env: {}, sourceName: "x", host: { cpus: 1, ramBytes: 1, tmpBytes: 1 } })
    .findings;

describe("a login", () => {
  it.each([
    ["alice@box1", { user: "alice", host: "box1", address: "box1" }],
    ["root@10.0.0.5:2222", { user: "root", host: "10.0.0.5", address: "10.0.0.5:2222" }],
    ["a.b@[fd00::1]:22", { user: "a.b", host: "fd00::1", address: "[fd00::1]:22" }],
  ])("is taken apart: %s", (text, parts) => expect(parseLogin(text)).toEqual(parts));

  it.each([
    "box1",
    "alice@",
    "@box1",
    "alice@box1:0",
    "alice@box1:66000",
    "a@b@c",
    "a@b c",
    "a@b:",
  ])("is refused: %s", (text) =>
    expect(() => parseLogin(text)).toThrow("a login such as alice@box1"),
  );

  it("gives a host its name, and a number where another has that", () => {
    const name = (text: string, ...taken: string[]): string =>
      chooseName(parseLogin(text), new Set(taken));
    expect(name("alice@box1")).toBe("box1");
    expect(name("alice@box1", "box1", "box1-2")).toBe("box1-3");
    expect(name("alice@[::1]")).toBe("1");
    expect(name(`alice@${"x".repeat(70)}`, "x".repeat(58))).toHaveLength(60);
  });
});

describe("a host's type", () => {
  const gpus = [
    { computeCapability: "8.9", memoryBytes: 24 * GIB },
    { computeCapability: "7.5", memoryBytes: 15.5 * GIB },
  ];

  it("is what it has, rounded down, for nothing", () => {
    expect(measuredType(facts())).toEqual({
      name: "cpu4-mem15g",
      entry: { VCPUs: 4, RAM: "15GiB", IncludedScratch: "100GiB", Price: 0 },
    });
    expect(measuredType(facts({ memoryBytes: GIB / 2 + 5 })).name).toBe("cpu4-mem512m");
  });

  it("promises of several GPUs what each of them can do", () => {
    expect(measuredType(facts({ cuda: "12.2", gpus }))).toMatchObject({
      name: "cpu4-mem15g-gpu2",
      entry: {
        GPU: {
          Stack: "cuda",
          DriverVersion: "12.2",
          HardwareTarget: "7.5",
          DeviceCount: 2,
          VRAM: "15GiB",
        },
      },
    });
    expect(measuredType(facts({ gpus })).name).toBe("cpu4-mem15g");
  });

  it("is shared by hosts of one size, with the scratch space of the least roomy", () => {
    const measured = measuredType(facts());
    const { name, entry } = measured;
    expect(placeType(measured, {})).toEqual({ name, entry });
    expect(placeType(measured, { [name]: { ...entry, Price: 3 } })).toEqual({
      name,
      entry: undefined,
    });
    const roomy = { ...entry, IncludedScratch: "200GiB" };
    expect(placeType(measured, { [name]: roomy })).toEqual({ name, entry });
    expect(placeType(measured, { [name]: { ...entry, VCPUs: 3 } })).toEqual({
      name: `${name}-2`,
      entry,
    });
  });
});

describe("a config's text", () => {
  it("is usable as it is made, and stays so as hosts come and go", () => {
    const text = new ConfigText(newConfig("/data"), "local");
    useStaticDriver(text);
    putHost(text, "box1", { host, measured: measuredType(facts()) });
    putHost(text, "box2", { host, measured: measuredType(facts({ scratchBytes: 5 * GIB })) });
    const made = text.toString();
    expect(findings(made)).toEqual([]);
    expect(made).toContain(
      "      cpu4-mem15g: { VCPUs: 4, RAM: 15GiB, IncludedScratch: 5GiB, Price: 0 }\n",
    );
    const again = new ConfigText(made, "local");
    expect(again.toString()).toBe(made);
    // One that has grown leaves its type, which stays for the other.
    putHost(again, "box1", { host, measured: measuredType(facts({ cpus: 8 })) });
    putHostKey(again, "box1", KEY.replaceAll("k", "z"));
    expect(again.toString()).toMatch(
      /box1:\n.*\n.*\n +InstanceType: cpu8-mem15g\n +HostKey: SHA256:zzz/,
    );
    removeHost(again, "box1");
    expect(again.get(["InstanceTypes"])).toEqual(text.get(["InstanceTypes"]));
    removeHost(again, "box2");
    expect(findings(again.toString())).toMatchObject([
      { severity: "warning", path: "Clusters.local.InstanceTypes" },
    ]);
  });

  it("loses of another driver what is not for hosts, and names types without hosts", () => {
    const text = new ConfigText(
      'Clusters:\n  local:\n    InstanceTypes: { mine: { VCPUs: 1, RAM: 1GiB } }\n    Containers:\n      CloudVMs:\n        DeployRunnerBinary: "" # is there\n' +
        "        Driver: loopback\n        DriverParameters: { MaxInstances: 4 }\n",
      "local",
    );
    useStaticDriver(text);
    putHost(text, "box1", { host, measured: measuredType(facts()) });
    expect(text.get(["Containers", "CloudVMs"])).toEqual({
      Driver: "static",
      BootProbeCommand: "true",
      DriverParameters: {
        Hosts: {
          box1: { Address: "box1", User: "alice", InstanceType: "cpu4-mem15g", HostKey: KEY },
        },
      },
    });
    expect(idleTypes(text)).toEqual(["mine"]);
  });

  it("stays JSON where it is", () => {
    const text = new ConfigText('{"Clusters":{"local":{"TLS":{"Insecure":true}}}}', "local");
    useStaticDriver(text);
    expect(JSON.parse(text.toString())).toMatchObject({
      Clusters: {
        local: { TLS: { Insecure: true }, Containers: { CloudVMs: { Driver: "static" } } },
      },
    });
  });

  it("is filled in where there is a key without a value", () => {
    const text = new ConfigText(
      "Clusters:\n  local:\n    Containers:\n      # nothing yet\n",
      "local",
    );
    useStaticDriver(text);
    expect(text.toString()).toContain("Driver: static");
  });

  it("is left alone where a change would reach further, or cannot be made", () => {
    const shared =
      "x: &vms { Driver: loopback }\nClusters:\n  local:\n    Containers: { CloudVMs: *vms }\n";
    expect(() => useStaticDriver(new ConfigText(shared, "local"))).toThrow(/is no plain map/);
  });
});

describe("advice about a config", () => {
  const advice = (text: string): string[] => {
    const { config } = loadConfig(text, { env: {}, sourceName: "x", host: HOST });
    return config ? adviceFor(config) : ["not usable"];
  };
  const made = newConfig(undefined);

  it("names what keeps containers from running, and nothing once that is mended", () => {
    expect(advice(made)).toEqual([]);
    expect(advice(made.replace(/RuntimeEngine:.*/, "RuntimeEngine: docker"))).toEqual([
      expect.stringContaining("RuntimeEngine: process"),
    ]);
    expect(
      advice(made.replace("Hosts: {}", "Hosts: { a: {}, b: {} }\n        MaxInstances: 1")),
    ).toEqual([expect.stringContaining("MaxInstances is 1")]);
  });
});
