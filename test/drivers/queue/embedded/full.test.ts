import { execFileSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from "vitest";
import { QueueStoreError, type QueueStore } from "../../../../src/drivers/queue/embedded/port.ts";
import { openQueueStore } from "../../../../src/drivers/queue/embedded/store.ts";
import { makeCountingClock } from "../serve.ts";

const OURS = "zzzzz-gj3su-000000000000001";
const MIB = 1024 * 1024;
let folder: string;
let isMounted = false;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "queue-full-"));
});
afterEach(() => {
  // Mounted by one of the tests.
  if (isMounted) execFileSync("umount", ["--lazy", folder]);
  isMounted = false;
  rmSync(folder, { recursive: true, force: true });
});

function open(at: string, bytesMax?: number): QueueStore {
  const path = join(at, "queue.db");
  const limit = bytesMax === undefined ? {} : { bytesMax };
  const store = openQueueStore({
    path,
    clusterId: "zzzzz",
    attemptsMax: 3,
    ...limit,
    ...makeCountingClock(),
  });
  onTestFinished(() => store.close());
  return store;
}

/** Returns the container's id. */
function submit(store: QueueStore, bytes = 10): string {
  const environment = { FILLER: "x".repeat(bytes) };
  const constraints = { vcpus: 1, ram: 1024 };
  const id = store.submit({ command: ["true"], environment, runtime_constraints: constraints });
  const record = JSON.parse(store.get("container_requests", id, null)) as Record<string, string>;
  return record["container_uuid"] ?? "";
}

function refusal(work: () => unknown): QueueStoreError {
  try {
    work();
  } catch (error) {
    if (error instanceof QueueStoreError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

function untilRefused(work: () => unknown): QueueStoreError {
  for (let n = 0; n < 10_000; n++) {
    try {
      work();
    } catch (error) {
      if (error instanceof QueueStoreError) return error;
      throw error;
    }
  }
  throw new Error("nothing was refused");
}

it("a queue takes nothing in beyond its limit, and lets what it has go on", () => {
  const store = open(folder, MIB);
  const running = submit(store);
  store.lock(running, OURS);
  const full = untilRefused(() => submit(store, 50_000));
  expect(full).toMatchObject({
    status: 503,
    message: expect.stringMatching(/queue is full: .*queue\.db.* 1048576 bytes.*Queue\.MaxBytes/),
  });
  store.updateContainer(running, { state: "Running" }, OURS);
  store.updateContainer(running, { state: "Complete", exit_code: 0 }, OURS);
  expect(store.get("containers", running, ["state"])).toContain("Complete");
  expect(refusal(() => submit(store)).status).toBe(503);
  store.close();
  // A greater limit is the way out, and a limit below what is there loses nothing.
  expect(refusal(() => submit(open(folder, 4_096))).status).toBe(503);
  expect(submit(open(folder, 8 * MIB))).toMatch(/^zzzzz-dz642-/);
});

describe("on a full disk", () => {
  it("every write answers 503 with what is full, and works once there is room", (ctx) => {
    if (userInfo().uid !== 0) return ctx.skip("only root may mount the small disk");
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], { stdio: "pipe" });
    } catch {
      return ctx.skip("no file system may be mounted here");
    }
    isMounted = true;
    const store = open(folder);
    const [waiting, running] = [submit(store), submit(store)];
    store.lock(running, OURS);
    fill(join(folder, "filler"));
    const writes: (() => unknown)[] = [
      () => submit(store, 100_000),
      () => store.lock(waiting, OURS),
      () => store.unlock(running, OURS),
      () => store.updateContainer(running, { runtime_status: { a: "x".repeat(100_000) } }, OURS),
    ];
    for (const write of writes)
      for (let n = 0; n < 2; n++) {
        // What little room the log has left is taken first.
        const refused = untilRefused(() => {
          submit(store, 100_000);
          write();
        });
        expect(refused).toMatchObject({
          status: 503,
          message: expect.stringContaining(`the disk of ${folder} is full`),
        });
      }
    expect(store.get("containers", waiting, ["state"])).toContain("Queued");
    rmSync(join(folder, "filler"));
    store.lock(waiting, OURS);
    expect(submit(store, 100_000)).toMatch(/^zzzzz-dz642-/);
  });
});

/** Takes all that is left. */
function fill(path: string): void {
  const fd = openSync(path, "w");
  for (const size of [MIB, 4_096, 1]) {
    try {
      for (;;) writeSync(fd, Buffer.alloc(size, 1));
    } catch (error) {
      expect(error).toMatchObject({ code: "ENOSPC" });
    }
  }
  closeSync(fd);
}
