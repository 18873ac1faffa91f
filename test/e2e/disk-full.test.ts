import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { openBox, type DaemonBox } from "../support/daemon-box.ts";

const SOON_MS = 30_000;

/** A small disk of its own; undefined where this user may not mount one. */
function mountDisk(): string | undefined {
  if (userInfo().uid !== 0) return undefined;
  const disk = mkdtempSync(join(tmpdir(), "dispatch-cloud-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], { stdio: "pipe" });
  } catch {
    rmSync(disk, { recursive: true });
    return undefined;
  }
  onTestFinished(() => {
    execFileSync("umount", ["--lazy", disk]);
    rmSync(disk, { recursive: true });
  });
  return disk;
}

/** Takes all that is left. */
function fill(path: string): void {
  const fd = openSync(path, "w");
  for (const size of [1024 * 1024, 4096, 1]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size, 1));
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
    }
  }
  closeSync(fd);
}

interface Status {
  readonly accepting: boolean;
  readonly alarms: readonly { alarm: string; message: string }[];
  readonly workers: readonly { state: string; count: number }[];
  readonly seq: number;
}

async function statusOf(box: DaemonBox): Promise<Status> {
  return JSON.parse((await box.cli("status", "--json")).stdout) as Status;
}

/** What polls, lists and probes hand in. */
const FED = /^(queue|container|instance|instances|probe|ssh)\./;

/** Types of the facts, and kinds of the commands. */
async function recordedSince(
  box: DaemonBox,
  seq: number,
): Promise<{ facts: string[]; commands: string[] }> {
  const { stdout } = await box.cli("journal", "export", "--from", String(seq + 1), box.dataDir);
  const records = stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { fact: { type: string }; commands: { kind: string }[] });
  return {
    facts: records.map(({ fact }) => fact.type),
    commands: records.flatMap(({ commands }) => commands.map(({ kind }) => kind)),
  };
}

/** As a program submits. */
function submitOver(box: DaemonBox, fillerBytes: number): Promise<Response> {
  return box.http("POST", "/arvados/v1/container_requests", {
    container_request: {
      command: ["true"],
      properties: { filler: "x".repeat(fillerBytes) },
      runtime_constraints: { vcpus: 1, ram: 1024 },
    },
  });
}

/** Returns why. */
async function refusesWhatIsNew(box: DaemonBox, fillerBytes: number): Promise<string> {
  const response = await submitOver(box, fillerBytes);
  const body = (await response.json()) as { detail: string };
  expect(response.status, JSON.stringify(body)).toBe(503);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  expect(response.headers.get("Retry-After")).toBe("5");
  expect(body).toEqual({
    type: "urn:dispatch-cloud:problem:queue-unavailable",
    title: "Service Unavailable",
    status: 503,
    detail: expect.stringMatching(/disk .*full/),
    request_id: expect.stringMatching(/^req-/),
    errors: [body.detail],
    error_token: expect.stringMatching(/^req-/),
  });
  expect(body.detail).toContain(box.dataDir);
  return body.detail;
}

async function submissionsOf(box: DaemonBox): Promise<number> {
  const path = "/arvados/v1/container_requests?limit=0&count=exact";
  return (await box.api<{ items_available: number }>("GET", path)).items_available;
}

describe("a dispatcher whose disk is full", () => {
  it("raises an alarm, takes nothing in, still kills and destroys, and goes on where it was", async (ctx) => {
    const disk = mountDisk();
    if (!disk) return ctx.skip("only root may mount the small disk that this test fills");
    const box = openBox({
      dataDir: join(disk, "data"),
      config: { Containers: { CloudVMs: { TimeoutIdle: "15s" } } },
    });
    await box.start();
    const go = join(box.dir, "go");
    const waits = `echo begun; while [ ! -e ${go} ]; do sleep 0.1; done; exit 5`;
    const ends = await box.submit(waits);
    const lost = await box.submit("echo begun; sleep 300");
    const first = await box.submit("exit 0");
    const state = async (uuid: string) => (await box.container(uuid)).state;
    await box.until("two run and one has ended", SOON_MS, async () => {
      const views = await box.instances();
      const busy = views.flatMap(({ running_container_uuids }) => running_container_uuids);
      return (await state(first)) === "Complete" && busy.length === 2 && views.length === 3;
    });
    const views = await box.instances();
    const idle = views.find(({ running_container_uuids }) => running_container_uuids.length === 0);
    const victim = views.find((view) => view.running_container_uuids.includes(lost));

    const filler = join(disk, "filler");
    fill(filler);
    const submitted = await submissionsOf(box);
    // More than the queue's files have to spare. The journal may have noticed meanwhile.
    await refusesWhatIsNew(box, 900_000);
    // The first thing to be recorded finds the disk full; the ballast makes room for it.
    const held = await box.cli("instance", "hold", victim?.instance ?? "");
    expect(held).toMatchObject({ code: 0, stderr: expect.stringContaining("200 OK") });
    const full = await statusOf(box);
    expect(full).toMatchObject({ accepting: false, alarms: [{ alarm: "journal" }] });
    expect(full.alarms[0]?.message).toMatch(/space|full/);
    expect((await box.cli("status")).stdout).toMatch(/^ALARM +journal for /m);
    // What the ballast has left is not for what is new, however little that needs.
    expect(await refusesWhatIsNew(box, 1)).toContain(join(box.dataDir, "journal.db"));
    expect(await box.cli("submit", "--", "true")).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(/nothing new is taken in: .*journal\.db.* is full/),
    });

    // Feeds wait: nobody takes in that it ends.
    writeFileSync(go, "");
    const killed = await box.cli("instance", "kill", "--reason", "no room", victim?.instance ?? "");
    expect(killed).toMatchObject({ code: 0, stderr: expect.stringContaining("200 OK") });
    for (const { instance } of [idle, victim].filter((view) => view !== undefined))
      await box.until(`${instance} is destroyed`, SOON_MS, () =>
        box.processes().every(({ command }) => !command.includes(instance)),
      );
    const meanwhile = await recordedSince(box, full.seq);
    expect(meanwhile.commands.filter((kind) => kind === "instance.destroy")).toHaveLength(2);
    expect(meanwhile.facts.filter((type) => FED.test(type))).toEqual([]);
    expect((await statusOf(box)).alarms).toMatchObject([{ alarm: "journal" }]);

    rmSync(filler);
    await box.until("it goes on", SOON_MS, async () => (await statusOf(box)).accepting);
    expect((await statusOf(box)).alarms).toEqual([]);
    await box.until("both have ended", 60_000, async () =>
      [await state(ends), await state(lost)].every((each) => /^(Complete|Cancelled)$/.test(each)),
    );
    expect(await box.container(ends)).toMatchObject({ state: "Complete", exit_code: 5 });
    expect(await state(lost)).toBe("Cancelled");
    expect(await submissionsOf(box)).toBe(submitted);
    expect((await submitOver(box, 900_000)).status).toBe(200);
    expect(await box.cli("submit", "--wait", "--", "true")).toMatchObject({ code: 0 });
    await box.until(
      "the fleet is empty",
      SOON_MS,
      async () => (await box.instances()).length === 0,
    );
    expect(await box.endBy("SIGTERM")).toBe(0);
    const check = await box.cli("journal", "check", box.dataDir);
    expect(check, check.stdout).toMatchObject({ code: 0 });
    const replay = await box.cli("replay", "--from-checkpoints", box.dataDir);
    expect(replay, replay.stderr).toMatchObject({ code: 0 });
  });
});
