import { describe, expect, it } from "vitest";
import { parseFlags, UsageError } from "../../src/crunch-run/flags.ts";

const UUID = "zzzzz-dz642-000000000000001";

describe("flags of crunch-run", () => {
  it("takes one dash or two, and a value after a space or an equals sign", () => {
    const expected = parseFlags(["--detach", "--stdin-config", "--kill=15", UUID]);
    expect(parseFlags(["-detach", "-stdin-config=true", "-kill", "15", UUID])).toEqual(expected);
    expect(expected).toMatchObject({
      detach: true,
      stdinConfig: true,
      kill: 15,
      containerUuid: UUID,
    });
  });

  it("takes the dispatcher's start command", () => {
    const flags = parseFlags(["--detach", "--stdin-config", "--runtime-engine=docker", UUID]);
    expect(flags).toMatchObject({ detach: true, stdinConfig: true, runtimeEngine: "docker" });
  });

  it("takes a value that looks like a flag, as Go does", () => {
    expect(parseFlags(["-broken-node-hook", "--list", UUID])).toMatchObject({
      brokenNodeHook: "--list",
      list: false,
    });
  });

  it("needs no container for a list", () => {
    expect(parseFlags(["--list", "--stdin-prices"])).toMatchObject({
      list: true,
      stdinPrices: true,
    });
  });

  it("reads durations", () => {
    expect(parseFlags(["-sleep", "1.5s", UUID]).sleepMs).toBe(1500);
  });

  it.each([
    [[], "missing required argument: container-uuid (try -help)"],
    [["--kill", "15"], "missing required argument: container-uuid (try -help)"],
    [["--cgroup-parent-subsystem=memory", UUID], "not defined: -cgroup-parent-subsystem"],
    [[UUID, "--detach"], "unexpected argument"],
    [["../../etc/passwd"], "is not a container's uuid"],
    [["--kill", "TERM", UUID], "expected the number of a signal"],
    [["--kill", "65", UUID], "expected the number of a signal"],
    [["--kill"], "flag needs an argument: -kill"],
    [["--detach=perhaps", UUID], "invalid boolean value"],
    [["--sleep", "soon", UUID], "expected a duration"],
    [["---list"], "bad flag syntax"],
  ])("refuses %j", (args, message) => {
    expect(() => parseFlags(args)).toThrow(UsageError);
    expect(() => parseFlags(args)).toThrow(message);
  });
});
