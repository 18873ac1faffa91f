import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openJournal } from "../../src/drivers/journal/sqlite.ts";
import { WIRE_SCHEMAS } from "../../src/http/openapi.ts";
import { chartSchema } from "../../src/http/wire/chart.ts";
import { ACTOR_KINDS } from "../../src/machines/model/ids.ts";
import { containerId } from "../support/containers.ts";
import { writeSampleJournal } from "./sample-journal.ts";
import { makeTempDir, runCli } from "./test-io.ts";

let path = "";
let instanceId = "";

beforeAll(async () => {
  path = await writeSampleJournal(mkdtempSync(join(tmpdir(), "chart-")));
  const journal = openJournal({ path, mode: "read", nowMs: () => 0 });
  for (const { fact } of journal.read())
    if (fact.type === "create.succeeded") instanceId = fact.instanceId;
  await journal.close();
}, 60_000);

afterAll(() => rmSync(dirname(path), { recursive: true, force: true }));

async function outputOf(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runCli(["chart", ...args]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return stdout;
}

/** Every element is closed, and nothing in it is run. */
function expectSvg(svg: string): void {
  expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  const opened = [...svg.matchAll(/<(\w+)[^>]*?(\/?)>/g)].filter(([, , closed]) => closed === "");
  expect([...svg.matchAll(/<\/\w+>/g)]).toHaveLength(opened.length);
  expect(svg).not.toMatch(/<script|NaN|undefined/);
}

describe("chart KIND", () => {
  it.each(ACTOR_KINDS)("draws the chart of %s as text, as a picture and as data", async (kind) => {
    expect(await outputOf(kind)).toMatch(/^stateDiagram-v2\n[^]* --> /);
    const svg = await outputOf(kind, "--format", "svg");
    expectSvg(svg);
    const chart = chartSchema.parse(JSON.parse(await outputOf(kind, "--format=json")));
    expect(chart.kind).toBe(kind);
    for (const { key } of chart.nodes.filter(({ type }) => type === "state"))
      expect(svg).toContain(`>${key}</text>`);
  });

  it("writes to a file", async () => {
    const file = join(makeTempDir(), "worker.svg");
    expect(await outputOf("worker", "--format", "svg", "--output", file)).toBe("");
    expectSvg(readFileSync(file, "utf8"));
    const { exitCode, stderr } = await runCli(["chart", "worker", "--output", dirname(file)]);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`--output ${dirname(file)}: EISDIR`);
  });

  it.each([
    [["wroker"], 'no chart of "wroker"; did you mean worker?'],
    [["worker", "--format", "png"], '--format: expected mermaid, svg, json; found "png"'],
    [[], "expected one of worker, container, supervisor"],
    [["worker", "--actor", "i-1", "--journal", "x"], "or --actor ID"],
    [["--actor", "i-1"], "--actor ID and --journal JOURNAL are given together"],
    [["worker", "--journal", "x"], "--actor ID and --journal JOURNAL are given together"],
    [["worker", "--noise"], "--noise needs --actor"],
  ])("refuses %j and says what is expected", async (args, message) => {
    const { exitCode, stdout, stderr } = await runCli(["chart", ...args]);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toContain(message);
  });
});

describe("chart --actor", () => {
  it("draws what an instance went through, also when it is gone", async () => {
    const mermaid = await outputOf("--actor", instanceId, "--journal", path);
    expect(mermaid).toMatch(/^gantt\n {2}title worker .+\n {2}dateFormat x\n/);
    const states = [...mermaid.matchAll(/^ {2}(\w+) :(?:active, )?\d+, \d+$/gm)].map(([, s]) => s);
    expect(states).toEqual(expect.arrayContaining(["creating", "booting", "idle", "shutdown"]));
    const svg = await outputOf("--actor", instanceId, "--journal", path, "--format", "svg");
    expectSvg(svg);
    expect(svg).toContain("booting");
  });

  it("gives a container's history as the endpoint does", async () => {
    const args = ["--actor", containerId(1), "--journal", dirname(path), "--format", "json"];
    const history = WIRE_SCHEMAS.History.parse(JSON.parse(await outputOf(...args)));
    expect(history.actor).toEqual({ kind: "container", id: containerId(1) });
  });

  it("keeps what only repeats when it is asked to", async () => {
    const args = ["--actor", instanceId, "--journal", path, "--format", "json"];
    const history = WIRE_SCHEMAS.History.parse(JSON.parse(await outputOf(...args)));
    expect(history.noise_omitted).toBeGreaterThan(0);
    const noisy = WIRE_SCHEMAS.History.parse(JSON.parse(await outputOf(...args, "--noise")));
    expect(noisy.marks).toHaveLength(history.marks.length + history.noise_omitted);
  });

  it("says that the journal knows nobody of the name, and that there is no journal", async () => {
    const nobody = await runCli(["chart", "--actor", "i-nobody", "--journal", path]);
    expect(nobody).toMatchObject({ exitCode: 1, stdout: "" });
    expect(nobody.stderr).toContain(`the journal ${path} names no worker, instance or container`);
    const nowhere = await runCli(["chart", "--actor", "i-1", "--journal", "/nowhere"]);
    expect(nowhere.exitCode).toBe(1);
    expect(nowhere.stderr).toContain("no journal at /nowhere");
  });
});
