import { describe, expect, it } from "vitest";
import { defineCommand, runCommandLine } from "../../src/cli/command.ts";
import { makeTempDir, runCli, testIo } from "./test-io.ts";

const NAMES = ["run", "submit", "ps", "logs", "cancel", "status", "stop", "replay", "plan"];

describe("the program", () => {
  it("prints its help on standard output when asked, and on standard error when given nothing", async () => {
    const asked = await runCli(["--help"]);
    expect(asked).toMatchObject({ exitCode: 0, stderr: "" });
    for (const name of NAMES) expect(asked.stdout).toContain(`  ${name} `);
    const nothing = await runCli([]);
    expect(nothing).toEqual({ exitCode: 2, stdout: "", stderr: asked.stdout });
  });

  it("names the nearest command for one that it does not know", async () => {
    const { exitCode, stderr } = await runCli(["sumbit"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("did you mean submit?");
    expect((await runCli(["journal", "chekc"])).stderr).toContain("did you mean check?");
    expect((await runCli(["xyzzy"])).stderr).not.toContain("did you mean");
    expect((await runCli(["constructor"])).exitCode).toBe(2);
    expect((await runCli(["instance", "toString"])).exitCode).toBe(2);
  });

  it("names the commands of a group that is called without one", async () => {
    const { exitCode, stderr } = await runCli(["instance"]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain("list, hold, drain, run, kill");
  });

  it("prints its version under each of the usual spellings", async () => {
    const line = /^dispatch-cloud \d+\.\d+\.\d+ \(node v\d+\.\d+\.\d+\)\n$/;
    for (const args of [["version"], ["--version"], ["-version"]]) {
      const { exitCode, stdout } = await runCli(args);
      expect(exitCode).toBe(0);
      expect(stdout).toMatch(line);
    }
  });

  it("answers to the names of the original's commands", async () => {
    const config = ["-config", "/does/not/exist.yml"];
    expect((await runCli(["config-check", ...config])).stderr).toContain("/does/not/exist.yml");
  });

  const topics = [
    ...NAMES.filter((name) => name !== "run"),
    ...["choose-type", "token", "version", "demo", "cloudtest"],
    ...["list", "hold", "drain", "run", "kill"].map((each) => `instance ${each}`),
    ...["add", "check", "list", "accept", "release", "forget"].map((each) => `hosts ${each}`),
    ...["stats", "check", "export", "prune"].map((each) => `journal ${each}`),
    ...["check", "dump", "schema"].map((each) => `config ${each}`),
  ];
  it.each(topics)("tells usage, flags, exit codes and an example: %s", async (topic) => {
    const { exitCode, stdout } = await runCli([...topic.split(" "), "--help"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`Usage: dispatch-cloud ${topic} [flags]`);
    for (const part of ["Flags:", "--help", "Exit codes:", "Examples:"]) {
      expect(stdout).toContain(part);
    }
    expect(await runCli(["help", ...topic.split(" ")])).toMatchObject({ exitCode: 0, stdout });
    expect(await runCli([...topic.split(" "), "-h"])).toMatchObject({ exitCode: 0, stdout });
  });

  it("says so when the config cannot be read, and what else can be named", async () => {
    const { exitCode, stderr } = await runCli(["token"], { cwd: makeTempDir() });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("/etc/arvados/config.yml");
    expect(stderr).toContain("--config");
  });
});

describe("the flags of a command", () => {
  const seen: unknown[] = [];
  const command = defineCommand({
    name: "test",
    summary: "Tests.",
    flags: {
      config: { type: "string", value: "FILE", help: "a file" },
      header: { type: "boolean", help: "a switch" },
      env: { type: "string", multiple: true, value: "K=V", help: "pairs" },
      secret: { type: "boolean", hidden: true, help: "not shown" },
    },
    args: { usage: "[WHAT…]", min: 0, max: 2 },
    examples: ["test"],
    async run({ flags, args }) {
      seen.push({ ...flags, args });
      return 7;
    },
  });
  const run = async (...args: string[]) => {
    seen.length = 0;
    const exitCode = await runCommandLine(command, args, testIo().io);
    return { exitCode, seen: seen[0] };
  };
  const none = { config: undefined, header: false, env: [], secret: false, args: [] };

  it.each([
    [["-config", "F"], { config: "F" }],
    [["-config=F"], { config: "F" }],
    [["--config", "F", "a"], { config: "F", args: ["a"] }],
    [["--config=F"], { config: "F" }],
    [["-header", "a", "-config", "-"], { header: true, config: "-", args: ["a"] }],
    [["--env", "A=1", "-env=B=-2"], { env: ["A=1", "B=-2"] }],
    [["--", "-config", "F"], { args: ["-config", "F"] }],
    [["a", "--", "--header"], { args: ["a", "--header"] }],
    [["--secret"], { secret: true }],
  ])("%j is understood, one dash or two", async (args, expected) => {
    expect(await run(...args)).toEqual({ exitCode: 7, seen: { ...none, ...expected } });
  });

  it.each([
    [["--confg", "F"], "unknown flag --confg; did you mean --config?"],
    [["-haeder"], "unknown flag --haeder; did you mean --header?"],
    [["--xyzzy"], "unknown flag --xyzzy ("],
    [["-x"], "unknown flag -x ("],
    [["--config"], "--config needs a value"],
    [["--config", "--header"], "--config needs a value"],
    [["--header=yes"], "--header takes no value"],
    [["a", "b", "c", "d"], "unrecognized command line arguments: c d"],
  ])("%j is refused with exit 2", async (args, message) => {
    await expect(run(...args)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining(message),
    });
  });
});
