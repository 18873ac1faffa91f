import { describe, expect, it } from "vitest";
import { CoreBuilder } from "../support/core-builder.ts";
import { describeScenarios } from "../drivers/scenarios.ts";
import { openServer, TOKEN } from "../http/test-server.ts";
import { runCli, writeConfig } from "./test-io.ts";

const INSTANCE = "inst1,providertype1";

/** The management API over a real socket, with one idle instance, and the config that leads to it. */
async function openDispatcher() {
  const builder = new CoreBuilder().dispatching();
  const seen = { instanceId: INSTANCE, createdBy: null, address: "127.0.0.1:2222" } as const;
  const types = { instanceType: "type1", providerType: "providertype1", idleBehavior: "" } as const;
  const basedOnSeq = builder.core.seq;
  builder.feed({ type: "instance.seen", basedOnSeq, ...seen, ...types });
  builder.feed({
    type: "probe.succeeded",
    workerId: INSTANCE,
    basedOnSeq: builder.core.seq,
    startedAtMs: builder.nowMs,
    booted: true,
    containerIds: [],
    broken: false,
    stale: false,
    bootError: "",
  });
  const server = await openServer(builder);
  const config = configFor([server.url]);
  return { server, config };
}

function configFor(urls: readonly string[], token = TOKEN): string {
  const InternalURLs = Object.fromEntries(urls.map((url) => [url, {}]));
  return writeConfig({ ManagementToken: token, Services: { DispatchCloud: { InternalURLs } } });
}

interface CommandStep {
  readonly cmd: string;
  readonly exit: number;
  readonly stdout?: string;
  readonly stdout_regex?: string;
  readonly stderr_contains?: string;
}

describeScenarios("cli.instance.json", {
  runs: {
    "arv.cli.instances": async ({ then }) => {
      const { config } = await openDispatcher();
      for (const step of then.steps as CommandStep[]) {
        const args = step.cmd.split(" ").map((word) => (word === "F" ? config : word));
        const { exitCode, stdout, stderr } = await runCli(args);
        expect({ cmd: step.cmd, exitCode }).toEqual({ cmd: step.cmd, exitCode: step.exit });
        if (step.stdout !== undefined) expect(stdout).toBe(step.stdout);
        if (step.stdout_regex !== undefined) {
          // The scenario writes "nothing at all" as (empty).
          const regex = step.stdout_regex.replace("(empty)|", "|");
          expect(stdout).toMatch(new RegExp(`^(${regex})$`));
        }
        if (step.stderr_contains !== undefined) expect(stderr).toContain(step.stderr_contains);
      }
    },
  },
});

describe("instance", () => {
  it("prints each attempt with the status and the host that gave it", async () => {
    const { server, config } = await openDispatcher();
    const { host } = new URL(server.url);
    const args = ["instance", "kill", "--config", config, "--reason", "bad disk", INSTANCE];
    expect(await runCli(args)).toEqual({
      exitCode: 0,
      stdout: "",
      stderr: `${INSTANCE}: 200 OK (${host})\n`,
    });
    expect(server.facts).toMatchObject([
      { type: "shutdown.requested", reason: expect.stringContaining("bad disk") },
    ]);
  });

  it("tries every address until one knows the instance", async () => {
    const { server, config: _ } = await openDispatcher();
    const other = await openServer();
    const config = configFor([other.url, server.url].sort());
    const { exitCode, stdout } = await runCli([
      "instance",
      "hold",
      "--json",
      "--config",
      config,
      INSTANCE,
      "i-404",
    ]);
    expect(exitCode).toBe(1);
    const attempts = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(attempts.filter(({ ok }) => ok)).toMatchObject([
      { instance: INSTANCE, status: "200 OK", host: new URL(server.url).host },
    ]);
    expect(attempts.filter(({ instance }) => instance === "i-404")).toHaveLength(2);
  });

  it("lists instances as JSON with all that the dispatcher tells", async () => {
    const { config } = await openDispatcher();
    const { stdout } = await runCli(["instance", "list", "--json", "--config", config]);
    expect(JSON.parse(stdout)).toMatchObject({ instance: INSTANCE, price: 0.123 });
  });

  it("lists nothing where there is none, but for the header", async () => {
    const { url } = await openServer();
    const args = ["instance", "list", "-header", "-config", configFor([url])];
    expect(await runCli(args)).toMatchObject({
      exitCode: 0,
      stdout:
        "instance\taddress\tstate\tidle-behavior\tconfig-type\tprovider-type\tprice\trunning-containers\n",
    });
  });

  it("exits 2 without instances, and 1 without addresses", async () => {
    const none = await runCli(["instance", "drain", "--config", configFor(["http://h:1/"])]);
    expect(none).toMatchObject({ exitCode: 2, stdout: "" });
    expect(none.stderr).toContain("usage error: no instance IDs provided");
    const nowhere = await runCli(["instance", "list", "--config", configFor([])]);
    expect(nowhere.exitCode).toBe(1);
    expect(nowhere.stderr).toContain("no Services.DispatchCloud.InternalURLs configured");
  });

  it("tells a wrong token from a dispatcher that does not answer, and shows no token", async () => {
    const { url, close } = await openServer();
    const wrong = await runCli(["instance", "list", "--config", configFor([url], "wrongtoken")]);
    expect(wrong.exitCode).toBe(1);
    expect(wrong.stderr).toContain("403 Forbidden");
    expect(wrong.stderr).not.toContain("wrongtoken");
    await close();
    const gone = await runCli(["instance", "list", "--config", configFor([url])]);
    expect(gone).toMatchObject({ exitCode: 1, stdout: "" });
    expect(gone.stderr).toContain(`no dispatcher answers at ${new URL(url).origin}; start it with`);
  });
});
