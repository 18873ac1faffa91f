import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readDaemonFile, removeDaemonFile, writeDaemonFile } from "../../src/cli/daemon-file.ts";
import { loadOrMakeTokens, readTokens } from "../../src/cli/token-file.ts";
import { makeTempDir, runCli, writeConfig } from "./test-io.ts";

describe("the token file", () => {
  it("is made once, private, and holds two different tokens of letters and digits", () => {
    const dataDir = join(makeTempDir(), "not", "there", "yet");
    expect(readTokens(dataDir)).toBeUndefined();
    const tokens = loadOrMakeTokens(dataDir);
    expect(tokens.systemRootToken).toMatch(/^[a-z0-9]{50}$/);
    expect(tokens.managementToken).toMatch(/^[a-z0-9]{50}$/);
    expect(tokens.managementToken).not.toBe(tokens.systemRootToken);
    expect(statSync(join(dataDir, "tokens.json")).mode & 0o777).toBe(0o600);
    expect(readdirSync(dataDir)).toEqual(["tokens.json"]);
    expect(loadOrMakeTokens(dataDir)).toEqual(tokens);
    expect(readTokens(dataDir)).toEqual(tokens);
  });

  it("is refused when others may read it, with the way out", () => {
    const dataDir = makeTempDir();
    const { systemRootToken } = loadOrMakeTokens(dataDir);
    const path = join(dataDir, "tokens.json");
    chmodSync(path, 0o640);
    const refuse = () => loadOrMakeTokens(dataDir);
    expect(refuse).toThrow(`${path} holds secrets and may be read by others (mode 0640)`);
    expect(refuse).toThrow("chmod 600");
    expect(refuse).not.toThrow(systemRootToken);
  });

  it.each([["{"], ["null"], ['{"systemRootToken":"abc"}'], ['{"systemRootToken":"a b"}']])(
    "%s in it is refused, not replaced, and not shown",
    (text) => {
      const dataDir = makeTempDir();
      const path = join(dataDir, "tokens.json");
      writeFileSync(path, text, { mode: 0o600 });
      expect(() => loadOrMakeTokens(dataDir)).toThrow(path);
      expect(readFileSync(path, "utf8")).toBe(text);
    },
  );
});

describe("the token command", () => {
  const embedded = (dataDir: string) =>
    writeConfig({ DispatchCloud: { DataDir: dataDir, Queue: { Driver: "embedded" } } });

  it("prints the one of the config, else the one in the data directory", async () => {
    const configured = writeConfig({ ManagementToken: "abcdefgh" });
    expect(await runCli(["token", "--config", configured])).toMatchObject({
      exitCode: 0,
      stdout: "abcdefgh\n",
    });
    const dataDir = makeTempDir();
    const before = await runCli(["token", "--config", embedded(dataDir)]);
    expect(before).toMatchObject({ exitCode: 1, stdout: "" });
    expect(before.stderr).toContain("when it first starts");
    const { managementToken } = loadOrMakeTokens(dataDir);
    const after = await runCli(["token", "--config", embedded(dataDir)]);
    expect(after).toMatchObject({ exitCode: 0, stdout: `${managementToken}\n`, stderr: "" });
  });

  it("says that the management API is off where the config has none", async () => {
    const { exitCode, stderr } = await runCli(["token", "--config", writeConfig({})]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("Clusters.zzzzz.ManagementToken is empty");
  });
});

describe("the daemon file", () => {
  const info = { pid: 4711, url: "http://127.0.0.1:1234/", startedAt: "2026-01-01T00:00:00Z" };

  it("is found as it was written, and removed by its owner only", () => {
    const dataDir = makeTempDir();
    expect(readDaemonFile(dataDir)).toBeUndefined();
    writeDaemonFile(dataDir, info);
    expect(readDaemonFile(dataDir)).toEqual(info);
    removeDaemonFile(dataDir, 1);
    expect(readDaemonFile(dataDir)).toEqual(info);
    removeDaemonFile(dataDir, info.pid);
    expect(existsSync(join(dataDir, "daemon.json"))).toBe(false);
  });

  it("counts as none when it is something else", () => {
    const dataDir = makeTempDir();
    writeFileSync(join(dataDir, "daemon.json"), '{"pid":"4711","url":"nonsense"}');
    expect(readDaemonFile(dataDir)).toBeUndefined();
  });
});
