import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { QueueError, type Queue } from "../../src/drivers/queue/port.ts";

/** A queue with the other side of it: the users who submit, and the runner. */
export interface QueueHarness {
  readonly queue: Queue;
  /** Returns the container's id. Later ones have a lower priority unless told. */
  submit(options?: { first?: boolean; supervisor?: boolean; tmpBytes?: number }): Promise<string>;
  /** The user gives it up. */
  giveUp(containerId: string): Promise<void>;
  /** The runner's word on a container that the queue's owner has locked. */
  report(containerId: string, state: "Running" | "Complete"): Promise<void>;
  /** What the user is told about it. */
  errorOf(containerId: string): Promise<string | undefined>;
  close(): Promise<void>;
}

/** What the port promises, whatever is behind it. */
export function describeQueue(name: string, open: () => Promise<QueueHarness>): void {
  const signal = new AbortController().signal;
  const unknownId = "zzzzz-dz642-999999999999999";

  describe(`the queue contract, kept by ${name}`, () => {
    let harness: QueueHarness;
    let queue: Queue;
    beforeEach(async () => {
      harness = await open();
      queue = harness.queue;
    });
    afterEach(() => harness.close());

    it("shows what was submitted, highest priority first, with its record", async () => {
      const second = await harness.submit({ supervisor: true });
      const first = await harness.submit({ first: true });
      const { entries, deleted, rejected } = await queue.poll([], signal);
      expect([...entries.keys()]).toEqual([first, second]);
      expect([deleted.size, rejected.size]).toEqual([0, 0]);
      const record = entries.get(first);
      expect(record).toMatchObject({ state: "Queued", vcpus: 1, supervisor: false, tmpMounts: 0 });
      expect(record?.priority).toMatch(/^\d+$/);
      expect(BigInt(record?.priority ?? 0)).toBeGreaterThan(
        BigInt(entries.get(second)?.priority ?? 0),
      );
      expect(record?.createdAtMs).toBeGreaterThan(0);
      expect(entries.get(second)?.supervisor).toBe(true);
    });

    it("keeps what we locked in sight, and hands it on from state to state", async () => {
      const id = await harness.submit();
      expect((await queue.lock(id, signal)).state).toBe("Locked");
      expect((await queue.poll([], signal)).entries.get(id)?.state).toBe("Locked");
      await harness.report(id, "Running");
      expect((await queue.poll([], signal)).entries.get(id)?.state).toBe("Running");
      await harness.report(id, "Complete");
      expect((await queue.poll([], signal)).entries.has(id)).toBe(false);
      const poll = await queue.poll([id], signal);
      expect(poll.entries.get(id)?.state).toBe("Complete");
      const last = await queue.poll([], signal);
      expect([last.entries.has(id), last.deleted.has(id)]).toEqual([false, false]);
    });

    it("says of a known one that it is deleted, and only of such", async () => {
      const id = await harness.submit();
      const poll = await queue.poll([unknownId, id], signal);
      expect([...poll.deleted]).toEqual([unknownId]);
      expect(poll.entries.has(id)).toBe(true);
    });

    it("refuses a second lock and a second unlock, and says why", async () => {
      const id = await harness.submit();
      await expect(queue.unlock(id, signal)).rejects.toThrow("cannot unlock when Queued");
      await queue.lock(id, signal);
      const error = await queue.lock(id, signal).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(QueueError);
      expect(error).toMatchObject({
        status: 422,
        failure: { code: "refused" },
        undecodable: false,
      });
      expect((error as Error).message).toContain("cannot lock when Locked");
      expect((await queue.unlock(id, signal)).state).toBe("Queued");
      expect((await queue.lock(id, signal)).state).toBe("Locked");
    });

    it("cancels a waiting, a locked and a running one", async () => {
      for (const steps of [0, 1, 2]) {
        const id = await harness.submit();
        if (steps > 0) await queue.lock(id, signal);
        if (steps > 1) await harness.report(id, "Running");
        expect((await queue.cancel(id, undefined, signal)).state).toBe("Cancelled");
        expect((await queue.poll([id], signal)).entries.get(id)?.state).toBe("Cancelled");
      }
    });

    it("cancels with an error that the user sees, polled before or not, locked or not", async () => {
      for (const [polled, locked] of [
        [false, false],
        [true, false],
        [false, true],
        [true, true],
      ]) {
        const id = await harness.submit();
        if (locked) await queue.lock(id, signal);
        if (polled) await queue.poll([], signal);
        await queue.cancel(id, "no such thing", signal);
        expect((await queue.poll([id], signal)).entries.get(id)?.state).toBe("Cancelled");
        expect(await harness.errorOf(id)).toBe("no such thing");
      }
    });

    it("cancels one that is cancelled already without complaint", async () => {
      const id = await harness.submit();
      await queue.cancel(id, undefined, signal);
      expect((await queue.cancel(id, "too late", signal)).state).toBe("Cancelled");
    });

    it("does not lock what was given up, nor show it, and lets go of it by unlocking", async () => {
      const waiting = await harness.submit();
      const locked = await harness.submit();
      await queue.lock(locked, signal);
      await harness.giveUp(waiting);
      await harness.giveUp(locked);
      await expect(queue.lock(waiting, signal)).rejects.toThrow("cannot lock when");
      const { entries } = await queue.poll([], signal);
      expect([...entries.keys()]).toEqual([locked]);
      expect(entries.get(locked)?.priority).toBe("0");
      await queue.unlock(locked, signal);
      const states = (await queue.poll([waiting, locked], signal)).entries;
      expect([states.get(waiting)?.state, states.get(locked)?.state]).toEqual([
        "Cancelled",
        "Cancelled",
      ]);
    });

    it("adds up the tmp mounts of a container", async () => {
      expect(await queue.tmpMounts(await harness.submit(), signal)).toBe(0);
      expect(await queue.tmpMounts(await harness.submit({ tmpBytes: 123 }), signal)).toBe(123);
    });

    it("answers for one that does not exist with notFound", async () => {
      for (const call of [
        () => queue.lock(unknownId, signal),
        () => queue.unlock(unknownId, signal),
        () => queue.cancel(unknownId, undefined, signal),
        () => queue.cancel(unknownId, "error", signal),
        () => queue.tmpMounts(unknownId, signal),
      ]) {
        await expect(call()).rejects.toMatchObject({
          name: "QueueError",
          failure: { code: "notFound" },
        });
      }
    });

    it("stops when told to", async () => {
      const id = await harness.submit();
      const aborted = AbortSignal.abort();
      for (const call of [
        () => queue.poll([], aborted),
        () => queue.lock(id, aborted),
        () => queue.cancel(id, "error", aborted),
      ]) {
        await expect(call()).rejects.toMatchObject({
          name: "QueueError",
          failure: { code: "aborted" },
        });
      }
      expect((await queue.poll([], signal)).entries.get(id)?.state).toBe("Queued");
    });

    it("has seen no 503", () => {
      expect(queue.last503AtMs()).toBeNull();
    });
  });
}
