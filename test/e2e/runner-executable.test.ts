import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type ContainerApi, openContainerApi } from "../crunch-run/container-api.ts";
import {
  isAlive,
  openWorkerBox,
  UUID,
  waitUntil,
  type WorkerBox,
} from "../crunch-run/worker-box.ts";
import {
  BUILD_TIMEOUT_MS,
  noExecutable,
  pathWithoutNode,
  runnerExecutable,
} from "../support/runner-executable.ts";

const dir = mkdtempSync(join(tmpdir(), "runner-executable-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const title = "the runner as one executable, without Node in PATH";
describe.skipIf(noExecutable)(`${title}${noExecutable ? `: ${noExecutable}` : ""}`, () => {
  let box: WorkerBox;
  let api: ContainerApi;

  beforeAll(async () => {
    const executable = await runnerExecutable();
    symlinkSync(executable, join(pathWithoutNode(join(dir, "bin")), "crunch-run"));
  }, BUILD_TIMEOUT_MS);

  afterEach(async () => {
    await box.close();
    await api.close();
  });

  /** By its name alone: what it sees of that name is no path. */
  async function given(command: readonly string[]): Promise<void> {
    box = openWorkerBox({ PATH: join(dir, "bin") }, ["crunch-run"]);
    api = await openContainerApi(UUID, { command });
  }

  async function detach(): Promise<number> {
    const args = ["--detach", "--stdin-config", "--runtime-engine=process", UUID];
    const answer = await box.call(args, { stdin: api.stdinConfig() });
    expect(answer).toMatchObject({ exit: 0, stderr: "" });
    return (JSON.parse(answer.stdout) as { PID: number }).PID;
  }

  it("tells its version, lists nothing, and says what is wrong with a call", async () => {
    await given(["true"]);
    expect(await box.call(["--version"])).toEqual({
      exit: 0,
      stdout: expect.stringMatching(/^crunch-run \d+\.\d+\.\d+ \(node v\d/),
      stderr: "",
    });
    expect(await box.list()).toBe("");
    expect(await box.call(["one", "two"])).toMatchObject({
      exit: 2,
      stderr: expect.stringMatching(/^crunch-run: unexpected argument .*: two/),
    });
  });

  it("runs a container from start to end, which finds no Node either", async () => {
    await given(["sh", "-c", "command -v node; echo done; exit 3"]);
    const pid = await detach();
    await waitUntil("the end", () => api.record.state === "Complete" && !isAlive(pid));
    expect(api.updates).toEqual([{ state: "Running" }, { state: "Complete", exit_code: 3 }]);
    expect(box.dataFile("stdout.log")).toBe("done\n");
    expect(await box.list()).toBe("");
  });

  it("is listed while it runs, and ends its container when it is told to", async () => {
    await given(["sleep", "1000"]);
    const pid = await detach();
    await waitUntil("the start", () => api.record.state === "Running");
    expect(await box.list()).toBe(`${UUID}\n`);
    expect(await box.call(["--kill", "0", UUID])).toMatchObject({ exit: 1 });
    await box.call(["--kill", "15", UUID]);
    await waitUntil("the end", () => api.record.state === "Cancelled" && !isAlive(pid));
    expect(await box.call(["--kill", "15", UUID])).toMatchObject({ exit: 0 });
    expect(await box.list()).toBe("");
  });
});
