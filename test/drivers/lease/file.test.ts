import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { makeFileLease } from "../../../src/drivers/lease/file.ts";

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "lease-"));
  path = join(folder, "lease.lock");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Timers that fire when they are told to. */
function makeTimers() {
  const due: { delayMs: number; callback: () => void }[] = [];
  return {
    due,
    setTimer(delayMs: number, callback: () => void) {
      const timer = { delayMs, callback };
      due.push(timer);
      return () => {
        if (due.includes(timer)) due.splice(due.indexOf(timer), 1);
      };
    },
    fire() {
      due.shift()?.callback();
    },
  };
}

const turn = () => new Promise(setImmediate);
const never = new AbortController().signal;

it("is had at once when it is free, and again after it was given back", async () => {
  const timers = makeTimers();
  const lease = makeFileLease(path, timers);
  const onWait = vi.fn();
  await lease.acquire(never, onWait);
  await lease.acquire(never, onWait);
  await lease.release();
  await lease.release();
  const other = makeFileLease(path, timers);
  await other.acquire(never, onWait);
  await other.release();
  expect(onWait).not.toHaveBeenCalled();
  expect(timers.due).toEqual([]);
});

it("waits while another holds it, looks four times a second, and names the holder once", async () => {
  const timers = makeTimers();
  const holder = makeFileLease(path, timers);
  await holder.acquire(never, () => undefined);
  const onWait = vi.fn();
  const lease = makeFileLease(path, timers);
  const acquired = vi.fn();
  const waiting = lease.acquire(never, onWait).then(acquired);
  for (let look = 0; look < 3; look++) {
    await turn();
    expect(timers.due.map(({ delayMs }) => delayMs)).toEqual([250]);
    timers.fire();
  }
  await turn();
  expect(onWait.mock.calls).toEqual([
    [expect.stringMatching(new RegExp(`^pid ${process.pid} on .`))],
  ]);
  expect(acquired).not.toHaveBeenCalled();
  await holder.release();
  timers.fire();
  await waiting;
  expect(acquired).toHaveBeenCalledOnce();
  await lease.release();
});

it("gives up waiting when it is told to, and leaves no timer", async () => {
  const timers = makeTimers();
  const holder = makeFileLease(path, timers);
  await holder.acquire(never, () => undefined);
  const abort = new AbortController();
  const waiting = makeFileLease(path, timers).acquire(abort.signal, () => undefined);
  await turn();
  abort.abort(new Error("stopping"));
  await expect(waiting).rejects.toThrow("stopping");
  expect(timers.due).toEqual([]);
  await holder.release();
});

it("names the process that holds it, and is free when that one is killed", async () => {
  const script = new URL("./lease-process.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, ["--import", "tsx", script, path], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(createInterface(child.stdout), "line");
  const timers = makeTimers();
  const lease = makeFileLease(path, timers);
  const holders: string[] = [];
  const waiting = lease.acquire(never, (holder) => holders.push(holder));
  await turn();
  expect(holders).toEqual([expect.stringMatching(new RegExp(`^pid ${child.pid} on `))]);
  child.kill("SIGKILL");
  await once(child, "exit");
  timers.fire();
  await waiting;
  await lease.release();
});

it("says what is wrong with a path where no lock can be", async () => {
  const attempt = (at: string) => makeFileLease(at, makeTimers()).acquire(never, () => undefined);
  await expect(attempt(join(folder, "nowhere", "lease"))).rejects.toThrow(/nowhere.*folder exist/);
  await writeFile(
    path,
    "something else altogether, and long enough to be taken for a page\n".repeat(20),
  );
  await expect(attempt(path)).rejects.toThrow(/lease\.lock.*is it a lock file/);
});
