import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findConfig } from "../../src/cli/cluster-config.ts";
import { makeTempDir, runCli, writeConfig } from "./test-io.ts";

const TOKEN = "t".repeat(40);
const GOOD = {
  ManagementToken: TOKEN,
  SystemRootToken: TOKEN,
  InstanceTypes: { type1: { VCPUs: 1, RAM: "2GiB", Price: 0.1 } },
};

describe("config check", () => {
  it("is silent and exits 0 about a config without findings", async () => {
    expect(await runCli(["config", "check", "--config", writeConfig(GOOD)])).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: "",
    });
  });

  it("prints a line per finding on standard error, warnings leave the exit code", async () => {
    const path = writeConfig({ ...GOOD, Frobnicate: 1 });
    const { exitCode, stdout, stderr } = await runCli(["config", "check", "-config", path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: "" });
    expect(stderr).toMatch(/^warning: Clusters\.zzzzz\.Frobnicate: .*\n$/);
  });

  it("tells all errors at once and exits 1, from a file as from standard input", async () => {
    const bad = { ...GOOD, Containers: { CloudVMs: { MaxInstances: "many", TimeoutIdle: 5 } } };
    const stdin = JSON.stringify({ Clusters: { zzzzz: bad } });
    const outcome = await runCli(["config", "check", "-"], { stdin });
    expect(outcome.exitCode).toBe(1);
    const lines = outcome.stderr.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    for (const line of lines)
      expect(line).toMatch(/^error: Clusters\.zzzzz\.Containers\.CloudVMs\.\w+: /);
    expect(await runCli(["config", "check", "--config", writeConfig(bad)])).toEqual(outcome);
  });

  it("counts what the daemon lacks as errors when asked to", async () => {
    const args = ["config", "check", "--config", writeConfig(GOOD)];
    const { exitCode, stderr } = await runCli([...args, "--for-daemon"]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("error: Clusters.zzzzz.Services.Controller.ExternalURL is empty");
  });
});

describe("config dump", () => {
  it("prints what is in effect, secrets kept, so that it can be loaded again", async () => {
    const { exitCode, stdout, stderr } = await runCli([
      "config",
      "dump",
      "--config",
      writeConfig(GOOD),
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toContain(`ManagementToken: ${TOKEN}`);
    expect(stdout).toMatch(/TimeoutIdle: 1m\n/);
    const again = await runCli(["config", "dump", "-"], { stdin: stdout });
    expect(again).toEqual({ exitCode: 0, stdout, stderr: "" });
  });

  it("prints nothing but the errors of a config that has any", async () => {
    const path = writeConfig({ ...GOOD, ManagementToken: 7 });
    const { exitCode, stdout, stderr } = await runCli(["config", "dump", "--config", path]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
    expect(stderr).toContain("Clusters.zzzzz.ManagementToken");
  });
});

describe("config schema", () => {
  it("prints a JSON schema that knows the file's keys", async () => {
    const { stdout } = await runCli(["config", "schema"]);
    expect(JSON.parse(stdout)).toHaveProperty("properties.Clusters");
  });
});

describe("the config that is read", () => {
  it("is the flag's, else that of the environment, else the usual place's", () => {
    const cwd = makeTempDir();
    const env = { ARVADOS_CONFIG: "/from/env.yml" };
    expect(findConfig("/from/flag.yml", { env, cwd })).toBe("/from/flag.yml");
    expect(findConfig(undefined, { env, cwd })).toBe("/from/env.yml");
    expect(findConfig(undefined, { env: {}, cwd })).toBe("/etc/arvados/config.yml");
  });

  it("is config/standalone.yml of the working directory where the usual place has none", () => {
    const cwd = makeTempDir();
    mkdirSync(join(cwd, "config"));
    writeFileSync(join(cwd, "config", "standalone.yml"), "Clusters: {}\n");
    expect(findConfig(undefined, { env: {}, cwd })).toBe(join(cwd, "config", "standalone.yml"));
    expect(findConfig("other.yml", { env: {}, cwd })).toBe("other.yml");
  });
});
