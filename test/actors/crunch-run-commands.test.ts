import { expect, it } from "vitest";
import { killCommand, listCommand, startCommand } from "../../src/actors/crunch-run-commands.ts";

it("takes a CrunchRunCommand with % in it as plain text (specification §16.19)", () => {
  const call = { runnerCommand: "/opt/100%d/crunch-run", remoteUser: "root" };
  const containerId = "zzzzz-dz642-000000000000001";
  expect(killCommand(call, { signal: 15, containerId })).toBe(
    `/opt/100%d/crunch-run --kill 15 ${containerId}`,
  );
  expect(listCommand(call)).toBe("/opt/100%d/crunch-run --list");
  expect(startCommand(call, { runtimeEngine: "docker", extraArguments: [], containerId })).toMatch(
    /^\/opt\/100%d\/crunch-run --detach /,
  );
});
