import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openBox, type DaemonBox } from "../support/daemon-box.ts";

const MAIN_PATH = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const SET_ID = "zzzzz-zzzzz-zzzzzzcloudtest";

interface Summary {
  readonly ok: boolean;
  readonly instance_type: string;
  readonly runs: readonly {
    readonly instance: string | null;
    readonly left: readonly string[];
    readonly steps: readonly { readonly step: string; readonly outcome: string }[];
  }[];
}

function summaryOf(stdout: string): Summary {
  return JSON.parse(stdout) as Summary;
}

function outcomes(stdout: string): string[] {
  return (summaryOf(stdout).runs[0]?.steps ?? []).map(({ step, outcome }) => `${step} ${outcome}`);
}

const expectNothingLeft = (box: DaemonBox) =>
  box.until("nothing of the test is left", 5_000, () => box.processes().length === 0);

describe("cloudtest on loopback instances", () => {
  it("leads one instance through its life, and leaves a dispatcher's own alone", async () => {
    const box = openBox();
    await box.start();
    const uuid = await box.submit("while [ ! -e go ]; do sleep 0.1; done");
    await box.until("the container runs", 30_000, async () => {
      return (await box.container(uuid)).state === "Running";
    });
    const before = await box.instances();
    const { code, stdout, stderr } = await box.cli(
      ...["cloudtest", "-command", "echo from the instance; pwd", "-destroy-existing", "-json"],
    );
    expect(stderr).toContain("stdout: from the instance");
    expect(stderr).toMatch(/ssh -p\d+ \w+@127\.0\.0\.1/);
    expect({ code, outcomes: outcomes(stdout) }).toEqual({
      code: 0,
      outcomes: [
        "driver",
        "existing",
        "create",
        "listed",
        "tags",
        "boot",
        "command",
        "destroy",
      ].map((step) => `${step} ok`),
    });
    expect(summaryOf(stdout)).toMatchObject({ ok: true, instance_type: "small" });
    expect(await box.instances()).toEqual(before);
    expect((await box.container(uuid)).state).toBe("Running");
  });

  it("destroys the instance when a command fails, and when it never boots", async () => {
    const box = openBox();
    const failing = await box.cli("cloudtest", "-command", "falsey", "-json");
    expect(failing.code).toBe(1);
    expect(outcomes(failing.stdout).slice(-2)).toEqual(["command failed", "destroy ok"]);
    expect(failing.stderr).toMatch(/falsey.*not found/);
    await expectNothingLeft(box);
    box.configure({
      Containers: { CloudVMs: { BootProbeCommand: "no-such-program", TimeoutBooting: "2s" } },
    });
    const dead = await box.cli("cloudtest", "-json");
    expect(dead.code).toBe(1);
    expect(outcomes(dead.stdout).slice(-2)).toEqual(["boot failed", "destroy ok"]);
    await expectNothingLeft(box);
  });

  it("destroys the instance after Ctrl-C, while it boots and while the command runs", async () => {
    const box = openBox({
      config: { Containers: { CloudVMs: { DriverParameters: { BootDelay: "1s" } } } },
    });
    for (const moment of ["boot", "command"]) {
      const running = box.startCli("cloudtest", "-command", "sleep 600", "-json");
      let told = "";
      running.child.stderr?.on("data", (text: string) => (told += text));
      await box.until(moment, 20_000, () => told.includes(`  ${moment.padEnd(8)}  run `));
      running.child.kill("SIGINT");
      const { code, stdout } = await running.ended;
      expect(code).toBe(1);
      expect(outcomes(stdout).slice(-2)).toEqual([`${moment} interrupted`, "destroy ok"]);
      await expectNothingLeft(box);
    }
  });

  it("names what an earlier test left, and destroys it when asked to", async () => {
    const box = openBox();
    const killed = box.startCli("cloudtest", "-command", "sleep 600");
    await box.until("an instance", 20_000, () => box.processes().some(isInstance));
    killed.child.kill("SIGKILL");
    await killed.ended;
    const refused = await box.cli("cloudtest");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      new RegExp(`existing instances of the set ${SET_ID}: loopback-.*-destroy-existing`),
    );
    expect(box.processes().some(isInstance)).toBe(true);
    const { code, stdout } = await box.cli("cloudtest", "-destroy-existing", "-json");
    expect({ code, ok: summaryOf(stdout).ok }).toEqual({ code: 0, ok: true });
    await expectNothingLeft(box);
  });

  it("waits for Enter with -pause-before-destroy", async () => {
    const box = openBox();
    const args = ["cloudtest", "-config", box.configPath, "-pause-before-destroy"];
    const child = spawn(process.execPath, [MAIN_PATH, ...args], {
      cwd: box.dir,
      stdio: ["pipe", "ignore", "pipe"],
    });
    let told = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
    await box.until("the pause", 20_000, () => told.includes("until you press Enter"));
    expect(told).not.toContain("destroy   ");
    expect(box.processes().some(isInstance)).toBe(true);
    child.stdin.write("\n");
    await once(child, "close");
    expect(child.exitCode).toBe(0);
    expect(told).toContain("is gone");
    await expectNothingLeft(box);
  });
});

function isInstance({ command }: { readonly command: string }): boolean {
  return command.includes("/loopback/instance.js");
}
