import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { selfCommand } from "../../src/crunch-run/self-command.ts";

const UUID = "zzzzz-dz642-000000000000001";

it("is started again as Node with its options and the script", () => {
  const started = {
    execPath: "/usr/bin/node",
    execArgv: ["--max-old-space-size=64"],
    argv: ["/usr/bin/node", "/opt/dist/crunch-run/main.js", "--detach", UUID],
  };
  expect(selfCommand(started, false)).toEqual([
    "/usr/bin/node",
    "--max-old-space-size=64",
    "/opt/dist/crunch-run/main.js",
  ]);
});

it.each(["./crunch-run", "crunch-run", "/tmp/crunch-run"])(
  "is started again as its own file where it is one executable, called as %s",
  (typed) => {
    const execPath = "/tmp/crunch-run";
    const started = { execPath, execArgv: [], argv: [execPath, typed, "--detach", UUID] };
    expect(selfCommand(started, true)).toEqual([execPath]);
  },
);

it("takes itself for a script where Node runs it", () => {
  expect(selfCommand(process)).toEqual([process.execPath, ...process.execArgv, process.argv[1]]);
});

it("prints the version of the package", () => {
  const main = new URL("../../dist/crunch-run/main.js", import.meta.url).pathname;
  const printed = execFileSync(process.execPath, [main, "--version"], { encoding: "utf8" });
  expect(printed).toMatch(/^crunch-run \d+\.\d+\.\d+ \(node v/);
});
