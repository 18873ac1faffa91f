import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { CoreBuilder } from "../support/core-builder.ts";
import { containerId } from "../support/containers.ts";
import { openServer, TOKEN } from "../http/test-server.ts";
import { runCli, writeConfig } from "./test-io.ts";

const STATUS = "/dispatch/v1/status";

function configFor(url: string): string {
  const Services = { DispatchCloud: { InternalURLs: { [url]: {} } } };
  return writeConfig({ ManagementToken: TOKEN, Services });
}

/** Answers everything with the same JSON. */
async function openStranger(json: unknown): Promise<string> {
  const server = createServer((_request, response) => response.end(JSON.stringify(json)));
  server.listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  return configFor(`http://127.0.0.1:${port}/`);
}

async function askFleet() {
  const builder = new CoreBuilder().dispatching();
  builder
    .instance("i-1", "type1", [containerId(1)])
    .container(containerId(1))
    .plan();
  const server = await openServer(builder);
  const text = async (path: string) => (await server.ask("GET", path)).text;
  return { config: configFor(server.url), text };
}

describe("a dispatcher's answer", () => {
  it("is printed as it came", async () => {
    const { config, text } = await askFleet();
    const status = await runCli(["status", "--json", "--config", config]);
    expect(status.stdout).toBe(await text(STATUS));
    const { items } = JSON.parse(await text("/arvados/v1/dispatch/instances")) as {
      items: object[];
    };
    const list = await runCli(["instance", "list", "--json", "--config", config]);
    expect(list.stdout).toBe(`${JSON.stringify(items[0])}\n`);
  });

  it("may have members that came with a later version", async () => {
    const { text } = await askFleet();
    const later = JSON.parse(await text(STATUS)) as { journal: object };
    const config = await openStranger({ ...later, journal: { ...later.journal, mood: "good" } });
    const { exitCode, stdout } = await runCli(["status", "--json", "--config", config]);
    expect([exitCode, JSON.parse(stdout)]).toEqual([
      0,
      { ...later, journal: { ...later.journal, mood: "good" } },
    ]);
  });

  it("that lacks what a command reads is refused by the member's name", async () => {
    const { text } = await askFleet();
    const { journal: _, ...rest } = JSON.parse(await text(STATUS)) as { journal: object };
    const config = await openStranger(rest);
    const { exitCode, stderr } = await runCli(["status", "--config", config]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${STATUS}: the answer is not as expected: journal: `);
    const list = await runCli(["instance", "list", "--config", config]);
    expect([list.exitCode, list.stderr]).toEqual([
      1,
      expect.stringContaining("the answer is no list of instances"),
    ]);
  });
});
