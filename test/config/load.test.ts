import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dumpConfig } from "../../src/config/dump.ts";
import { configPath } from "../../src/config/environment.ts";
import { configJsonSchema } from "../../src/config/json-schema.ts";
import { configSha256, loadConfig, type LoadResult } from "../../src/config/load.ts";
import { findMissingForDaemon } from "../../src/config/readiness.ts";
import { secretsIn } from "../../src/config/secrets.ts";
import { toSettings } from "../../src/config/settings.ts";
import { settingsSchema, type Settings } from "../../src/machines/model/settings.ts";

const host = { cpus: 3, ramBytes: 4_000_000_000, tmpBytes: 10_000_000_000 };
const TOKEN = "abcdefghijklmnopqrstuvwxyz0123456789";

function load(text: string, env: Record<string, string> = {}): LoadResult {
  return loadConfig(text, { env, sourceName: "test.yml", host });
}

function loadCluster(cluster: unknown, env: Record<string, string> = {}): LoadResult {
  return load(JSON.stringify({ Clusters: { zzzzz: cluster } }), env);
}

function messages(result: LoadResult, severity: "error" | "warning"): string[] {
  return result.findings.filter((f) => f.severity === severity).map((f) => f.message);
}

function exampleText(name: string): string {
  return readFileSync(new URL(`../../config/${name}`, import.meta.url), "utf8");
}

describe("loading a config", () => {
  it("gives every key its default when the file has only a cluster id", () => {
    const { config } = load("Clusters: {zzzzz: {}}");
    expect(config).toMatchObject({
      id: "zzzzz",
      postgreSQL: { connectionPool: 32, connection: { host: "", dbname: "" } },
      systemLogs: { logLevel: "info", format: "json" },
      api: { requestTimeoutMs: 300_000, maxConcurrentRequests: 64, maxQueuedRequests: 128 },
      containers: {
        maximumPriceFactor: 1.5,
        reserveExtraRam: 550 * 1024 ** 2,
        staleLockTimeoutMs: 60_000,
        runtimeEngine: "docker",
        maxDispatchAttempts: 10,
        cloudVMs: {
          sshPort: "22",
          pollIntervalMs: 10_000,
          maxInstances: 64,
          supervisorFraction: 0.5,
          timeoutTermMs: 120_000,
          tagKeyPrefix: "Arvados",
          driver: "ec2",
        },
      },
      dispatchCloud: {
        dataDir: "/var/lib/dispatch-cloud",
        journal: {
          maxAgeMs: 90 * 86_400_000,
          maxBytes: 4 * 1024 ** 3,
          checkpointRecords: 10_000,
          ballastBytes: 4 * 1024 ** 2,
        },
        queue: { driver: "arvados", requestTimeoutMs: 30_000 },
        ssh: { connectTimeoutMs: 60_000, commandTimeoutMs: 60_000 },
        planIntervalMs: 20,
        timeoutStartMs: 15_000,
        page: { readOnly: false },
        cloudRequestTimeoutMs: 300_000,
      },
    });
  });

  it("names every error at once, each with path, value and what was expected", () => {
    const result = loadCluster({
      ManagementToken: "a b",
      PostgreSQL: { ConnectionPool: 0, Connection: { port: 5432 } },
      InstanceTypes: { a: { VCPUs: "2", GPU: { DeviceCount: -1 } }, b: { RAM: "1 gig" } },
      SystemLogs: { LogLevel: "loud" },
      Containers: {
        LocalKeepLogsToContainerLog: "some",
        CrunchRunArgumentsList: "-x",
        CloudVMs: { SSHPort: 22, PollInterval: 10, TimeoutIdle: "-", Enable: "yes", Driver: [] },
      },
      DispatchCloud: { Queue: { Driver: "redis" }, DataDir: "" },
      Services: {
        Controller: { ExternalURL: "controller" },
        DispatchCloud: { InternalURLs: { "localhost:9006": {} } },
      },
    });
    expect(result.config).toBeUndefined();
    const text = messages(result, "error").join("\n");
    for (const part of [
      "Clusters.zzzzz.ManagementToken: unacceptable characters in token",
      "number 0 into Clusters.zzzzz.PostgreSQL.ConnectionPool: expected a whole number, 1 or more",
      "number 5432 into Clusters.zzzzz.PostgreSQL.Connection.port: expected a text",
      'string "2" into Clusters.zzzzz.InstanceTypes.a.VCPUs: expected a whole number',
      "number -1 into Clusters.zzzzz.InstanceTypes.a.GPU.DeviceCount",
      'string "1 gig" into Clusters.zzzzz.InstanceTypes.b.RAM: expected a size such as',
      'string "loud" into Clusters.zzzzz.SystemLogs.LogLevel: expected one of panic',
      'string "some" into Clusters.zzzzz.Containers.LocalKeepLogsToContainerLog',
      "Containers.CrunchRunArgumentsList: expected a list of texts",
      "number 22 into Clusters.zzzzz.Containers.CloudVMs.SSHPort: expected a text",
      "CloudVMs.PollInterval: expected a duration such as 10s, 1.5s or 2h45m",
      "missing unit in duration",
      'string "-" into Clusters.zzzzz.Containers.CloudVMs.TimeoutIdle',
      'string "yes" into Clusters.zzzzz.Containers.CloudVMs.Enable: expected true or false',
      "a list into Clusters.zzzzz.Containers.CloudVMs.Driver",
      "DispatchCloud.Queue.Driver: expected one of arvados, embedded",
      "Clusters.zzzzz.DispatchCloud.DataDir: expected a directory",
      "Services.Controller.ExternalURL: expected the controller's URL",
      "InternalURLs.localhost:9006: unusable key: expected a URL",
    ]) {
      expect(text).toContain(part);
    }
    expect(messages(result, "error")).toHaveLength(18);
  });

  it("never shows a secret in a message", () => {
    const secret = 987_654_321;
    const result = loadCluster({
      SystemRootToken: secret,
      PostgreSQL: { Connection: { password: secret } },
      Containers: { DispatchPrivateKey: secret },
    });
    expect(messages(result, "error")).toHaveLength(3);
    expect(JSON.stringify(result.findings)).not.toContain(String(secret));
  });

  it.each([
    ["Clusters: [", "not valid YAML"],
    ["just text", "expected a map with the key Clusters, got a string"],
    ["Clusters: 5", "expected a map from ids to clusters"],
    ["Clusters: {zzzzz: 5}", "Clusters.zzzzz: expected a map"],
    ["Clusters: {aaaaa: {}, bbbbb: {}}", "multiple clusters configured, cannot choose"],
    ["", "config does not define any clusters"],
  ])("refuses %j", (text, expected) => {
    const result = load(text);
    expect(result.config).toBeUndefined();
    expect(messages(result, "error").join("\n")).toContain(expected);
  });

  it("takes the last of two equal keys, with a warning", () => {
    const result = load("Clusters: {zzzzz: {TLS: {Insecure: true}, TLS: {Insecure: false}}}");
    expect(result.config?.tls.insecure).toBe(false);
    expect(messages(result, "warning").join()).toContain("unique");
  });

  it("reads YAML as the original does: yes is true, a date is a text", () => {
    const { config } = load(
      "Clusters: {zzzzz: {TLS: {Insecure: yes}, Containers: {CloudVMs: {ImageID: 2024-01-02}}}}",
    );
    expect(config?.tls.insecure).toBe(true);
    expect(config?.containers.cloudVMs.imageId).toBe("2024-01-02");
  });

  it("keeps the default where an entry is null, and takes an empty scalar as it is", () => {
    const { config } = load(
      'Clusters: {zzzzz: {Containers: {RuntimeEngine: , CloudVMs: {TagKeyPrefix: "", MaxInstances: 0, TimeoutIdle: 0}}}}',
    );
    expect(config?.containers.runtimeEngine).toBe("docker");
    expect(config?.containers.cloudVMs).toMatchObject({
      tagKeyPrefix: "",
      maxInstances: 0,
      timeoutIdleMs: 60_000,
    });
  });

  it("leaves keys of other components alone, and warns of unknown ones", () => {
    const result = loadCluster({
      Users: { NewUsersAreActive: true },
      API: { MaxRequestSize: 1, MaxRequestSise: 1 },
      Services: { Keepstore: { InternalURLs: { "http://k/": { Rendezvous: "x" } } } },
      InstanceTypes: { a: { VCPUs: 1, Scratch: 5 } },
      Containers: { cloudvms: { MaxInstances: 1 } },
    });
    const unknown = messages(result, "warning").filter((text) => text.startsWith("deprecated"));
    expect(unknown).toEqual([
      "deprecated or unknown config entry: Clusters.zzzzz.API.MaxRequestSise",
      "deprecated or unknown config entry: Clusters.zzzzz.InstanceTypes.a.Scratch",
      "deprecated or unknown config entry: Clusters.zzzzz.Containers.cloudvms (perhaps you meant CloudVMs?)",
    ]);
    expect(result.config?.containers.cloudVMs.maxInstances).toBe(64);
    expect(result.document?.cluster["Users"]).toEqual({ NewUsersAreActive: true });
  });

  it("is not fooled by a key named __proto__", () => {
    const result = load('Clusters: {zzzzz: {"__proto__": {TLS: {Insecure: true}}}}');
    expect(result.config?.tls.insecure).toBe(false);
    expect(messages(result, "warning").join()).toContain(
      "unknown config entry: Clusters.zzzzz.__proto__",
    );
  });

  it("reads service URLs with and without the final slash as one", () => {
    const { config } = loadCluster({
      Services: {
        DispatchCloud: { InternalURLs: { "http://h:9006": { ListenURL: "http://0.0.0.0:9006" } } },
      },
    });
    expect(config?.services.dispatchCloud.internalURLs).toEqual({
      "http://h:9006/": { listenURL: "http://0.0.0.0:9006", rendezvous: "" },
    });
  });

  it.each([
    ["a controller's queue", {}, "/usr/bin/arvados-server"],
    ["the embedded queue", { DispatchCloud: { Queue: { Driver: "embedded" } } }, "builtin"],
  ])("takes the original's own program, with %s, for our runner or the installed one", (...of) => {
    const [, cluster, expected] = of;
    const runner = (CloudVMs: unknown) =>
      loadCluster({ ...cluster, Containers: { CloudVMs } }).config?.containers.cloudVMs
        .deployRunnerBinary;
    expect(runner({})).toBe(expected);
    expect(runner({ DeployRunnerBinary: "/proc/self/exe" })).toBe(expected);
    expect(runner({ Driver: "loopback" })).toBe("");
    expect(runner({ DeployRunnerBinary: "/opt/crunch-run" })).toBe("/opt/crunch-run");
    expect(runner({ DeployRunnerBinary: "builtin", Driver: "loopback" })).toBe("builtin");
    expect(runner({ DeployRunnerBinary: "" })).toBe("");
  });
});

describe("storage classes", () => {
  it.each([
    [{ Volumes: { v: {} } }, "Clusters.zzzzz.Volumes.v: volume has no StorageClasses listed"],
    [{ Volumes: { v: { StorageClasses: { hot: true } } } }, 'storage class "hot"'],
    [{ StorageClasses: { hot: {} } }, "there is no default storage class"],
  ])("%j stops the start", (cluster, expected) => {
    expect(messages(loadCluster(cluster), "error").join()).toContain(expected);
  });

  it("that cannot serve local keep buffers are warned of", () => {
    const result = loadCluster({
      Volumes: { v: { StorageClasses: { default: true }, Replication: 1 } },
    });
    expect(messages(result, "warning").join()).toContain("LocalKeepBlobBuffersPerVCPU: is 1 but");
  });
});

describe("instance types", () => {
  const loopback = { Enable: true, Driver: "loopback" };

  it("are made of this machine for the loopback driver, if there are none", () => {
    const { config } = loadCluster({ Containers: { CloudVMs: loopback } });
    expect(config?.instanceTypes).toEqual({
      localhost: expect.objectContaining({
        name: "localhost",
        providerType: "localhost",
        vcpus: 3,
        ram: host.ramBytes,
        scratch: host.tmpBytes,
        includedScratch: host.tmpBytes,
        price: 1,
      }),
    });
  });

  it("may be several with the loopback driver only if it may have several instances", () => {
    const of = (DriverParameters: unknown) =>
      loadCluster({
        InstanceTypes: { a: { VCPUs: 1 }, b: { VCPUs: 2 } },
        Containers: { CloudVMs: { ...loopback, DriverParameters } },
      });
    expect(messages(of({}), "error")).toEqual([
      expect.stringContaining(
        "Clusters.zzzzz.InstanceTypes: cannot use multiple InstanceTypes with loopback driver",
      ),
    ]);
    expect(messages(of({ MaxInstances: 1 }), "error")).toHaveLength(1);
    expect(Object.keys(of({ MaxInstances: 2 }).config?.instanceTypes ?? {})).toEqual(["a", "b"]);
  });

  it("that have the name of an automatic variant are kept, with a warning if they differ", () => {
    const of = (Price: number) =>
      loadCluster({
        InstanceTypes: {
          a: { Price: 1 },
          "a.preemptible": { ProviderType: "a", Price, Preemptible: true },
        },
        Containers: { PreemptiblePriceFactor: 0.5 },
      });
    expect(messages(of(0.5), "warning").join()).not.toContain("already exists");
    expect(of(0.7).config?.instanceTypes["a.preemptible"]?.price).toBe(0.7);
    expect(messages(of(0.7), "warning")).toContain(
      "Clusters.zzzzz.InstanceTypes[a.preemptible]: already exists, so not automatically adding a preemptible variant of a",
    );
  });

  it("with GPUs need a driver version that is a number", () => {
    const of = (DriverVersion: string) =>
      messages(
        loadCluster({ InstanceTypes: { g: { GPU: { DeviceCount: 1, DriverVersion } } } }),
        "error",
      );
    expect(of("11.0")).toEqual([]);
    expect(of("new")).toEqual([
      expect.stringContaining('InstanceTypes.g.GPU.DriverVersion: "new"'),
    ]);
  });

  it("have their scratch computed and sizes in bytes, also of a quoted number", () => {
    const { config } = loadCluster({
      InstanceTypes: { a: { RAM: "1234", IncludedScratch: "1KB", AddedScratch: "1Ki" } },
    });
    expect(config?.instanceTypes["a"]).toMatchObject({ ram: 1234, scratch: 2024, name: "a" });
  });
});

describe("the environment", () => {
  const env = {
    ARVADOS_API_TOKEN: "v2/x/y",
    ARVADOS_API_HOST: "ctrl.example",
    ARVADOS_API_HOST_INSECURE: "1",
  };

  it("fills in what the config lacks, with a warning", () => {
    const result = loadCluster({}, env);
    expect(result.config).toMatchObject({
      systemRootToken: "v2/x/y",
      services: { controller: { externalURL: "https://ctrl.example" } },
      tls: { insecure: true },
    });
    expect(messages(result, "warning").join()).toContain("falling back to ARVADOS_API_HOST");
  });

  it("does not overrule the config, nor reach the embedded queue", () => {
    const own = loadCluster(
      { SystemRootToken: TOKEN, Services: { Controller: { ExternalURL: "https://own/" } } },
      env,
    );
    expect(own.config).toMatchObject({ systemRootToken: TOKEN, tls: { insecure: false } });
    const embedded = loadCluster({ DispatchCloud: { Queue: { Driver: "embedded" } } }, env);
    expect(embedded.config?.services.controller.externalURL).toBe("");
    for (const result of [own, embedded]) {
      expect(
        messages(result, "warning").filter((m) => m.includes("will not be used")),
      ).toHaveLength(2);
    }
  });

  it("names the config file where no flag does", () => {
    expect(configPath("x.yml", { ARVADOS_CONFIG: "y.yml" })).toBe("x.yml");
    expect(configPath(undefined, { ARVADOS_CONFIG: "y.yml" })).toBe("y.yml");
    expect(configPath(undefined, { ARVADOS_CONFIG: "" })).toBe("/etc/arvados/config.yml");
  });
});

describe("what is made of a config", () => {
  it("fits the core's settings, and holds no secret", () => {
    const { config } = loadCluster({
      SystemRootToken: TOKEN,
      InstanceTypes: { a: { VCPUs: 1, RAM: "1GiB" } },
    });
    if (!config) throw new Error("the config is fine");
    const settings: Settings = toSettings(config, { a: "" });
    expect(settingsSchema.parse(settings)).toEqual(settings);
    expect(settingsSchema.strict().parse(settings)).toEqual(settings);
    expect(JSON.stringify(settings)).not.toContain(TOKEN);
  });

  it("is, dumped and loaded again, the same config", () => {
    const first = load(exampleText("standalone.yml"));
    const text = first.document && dumpConfig(first.document, { secrets: "show" });
    const second = load(text ?? "");
    expect(second.config).toEqual(first.config);
    expect(second.document).toEqual(first.document);
  });

  it("is dumped without secrets unless they are asked for", () => {
    const { document } = loadCluster({
      ManagementToken: TOKEN,
      PostgreSQL: { Connection: { password: "hunter22" } },
      Containers: {
        DispatchPrivateKey: "file:///etc/key",
        CloudVMs: {
          ResourceTags: { key: "shown" },
          DriverParameters: { SecretAccessKey: "s3cret", AccessKeyID: "AK" },
        },
      },
    });
    if (!document) throw new Error("the config is fine");
    expect(secretsIn(document.cluster).sort()).toEqual([TOKEN, "hunter22", "s3cret"]);
    const dumped = dumpConfig(document);
    for (const secret of secretsIn(document.cluster)) expect(dumped).not.toContain(secret);
    for (const open of ["file:///etc/key", "shown", "AK"]) expect(dumped).toContain(open);
    expect(dumpConfig(document, { secrets: "show" })).toContain("hunter22");
  });

  it("says what the daemon still needs, and needs nothing with the embedded queue", () => {
    const of = (cluster: unknown) => {
      const { config } = loadCluster(cluster);
      return config ? findMissingForDaemon(config).map((finding) => finding.path) : undefined;
    };
    expect(of({})).toEqual([
      "Clusters.zzzzz.Services.Controller.ExternalURL",
      "Clusters.zzzzz.SystemRootToken",
      "Clusters.zzzzz.Containers.DispatchPrivateKey",
    ]);
    expect(of({ DispatchCloud: { Queue: { Driver: "embedded" } } })).toEqual([]);
  });

  it("has a hash that changes with every byte", () => {
    expect(configSha256("")).toBe(
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    expect(configSha256("a")).not.toBe(configSha256("a "));
  });
});

describe("the files in config/", () => {
  it("standalone.yml loads without a word", () => {
    const result = load(exampleText("standalone.yml"));
    expect(result.findings).toEqual([]);
    expect(result.config).toMatchObject({
      id: "local",
      dispatchCloud: { queue: { driver: "embedded" } },
      containers: { cloudVMs: { driver: "loopback", driverParameters: { MaxInstances: 4 } } },
    });
    if (result.config) expect(findMissingForDaemon(result.config)).toEqual([]);
  });

  it("arvados-example.yml lacks nothing but its tokens, and shows our own settings' defaults", () => {
    const result = load(exampleText("arvados-example.yml"));
    expect(result.findings.map((finding) => finding.path)).toEqual([
      "Clusters.xxxxx.SystemRootToken",
      "Clusters.xxxxx.ManagementToken",
    ]);
    expect(result.config?.dispatchCloud).toEqual(
      load("Clusters: {zzzzz: {}}").config?.dispatchCloud,
    );
  });

  it("schema.json is the one that the code makes (npm run config:schema)", () => {
    expect(JSON.parse(exampleText("schema.json"))).toEqual(configJsonSchema());
  });
});
