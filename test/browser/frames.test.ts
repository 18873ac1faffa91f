import { describe, expect, onTestFinished } from "vitest";
import type { RecordView } from "../../src/http/wire/record.ts";
import type { StateAnswer } from "../../src/http/wire/state.ts";
import { FakeDispatcher } from "./fake-dispatcher.ts";
import { at, madeState } from "./made-state.ts";
import { browserTest, openFleet } from "./rig.ts";

const BATCHES = 60;
/** Changes in each. */
const CHANGES = 20;
/** A frame at 60 a second has 16.7 ms; with room for a machine that others use too. */
const UPDATE_MAX_MS = 40;

describe("a fleet of 5,000 workers and 50,000 containers", () => {
  browserTest(
    "takes in changes within a frame, and costs next to nothing while none come",
    async () => {
      const state = madeState(5000, 50_000);
      const fake = await new FakeDispatcher(state).open();
      onTestFinished(() => fake.close());
      const { page } = await openFleet(fake);
      await page.getByRole("listbox", { name: /^running/ }).waitFor();
      const devtools = await page.context().newCDPSession(page);
      await devtools.send("Performance.enable");
      const workMs = async () => {
        const { metrics } = await devtools.send("Performance.getMetrics");
        const names = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
        const parts = metrics.filter(({ name }) => names.includes(name));
        return parts.reduce((sum, { value }) => sum + value * 1000, 0);
      };
      const idleFrom = await workMs();
      await page.waitForTimeout(3000);
      const idleMs = ((await workMs()) - idleFrom) / 3;

      const from = await workMs();
      for (let batch = 0; batch < BATCHES; batch++) {
        fake.send(...records(state, batch));
        await page.waitForTimeout(20);
      }
      const last = state.seq + BATCHES * CHANGES;
      await page.waitForFunction(`document.body.innerText.includes("changed by ${last}")`);
      const updateMs = ((await workMs()) - from) / BATCHES;
      const report = `update ${updateMs.toFixed(1)} ms, idle ${idleMs.toFixed(1)} ms/s`;
      process.stdout.write(`5,000 workers and 50,000 containers: ${report}\n`);
      expect(updateMs).toBeLessThan(UPDATE_MAX_MS);
      expect(idleMs).toBeLessThan(100);
    },
  );
});

/** Each changes a container at the queue's head and a worker, so that there is something to draw. */
function records(state: StateAnswer, batch: number): RecordView[] {
  return Array.from({ length: CHANGES }, (_, n) => {
    const seq = state.seq + batch * CHANGES + n + 1;
    const worker = state.workers[(seq * 31) % state.workers.length]!;
    const container = state.containers[seq % 500]!;
    const changes: RecordView["changes"] = [
      change("worker", worker.worker_id, { ...worker, since: at(-seq) }),
      change("container", container.container_uuid, {
        ...container,
        priority: 2_000_000 + seq,
        record: "Queued" as const,
        process: "absent" as const,
        last_error: `changed by ${seq}`,
      }),
    ];
    return { seq, at: at(0), fact: { type: "test" }, commands: [], decisions: [], changes };
  });
}

function change(
  kind: "worker" | "container",
  id: string,
  row: RecordView["changes"][number]["row"],
): RecordView["changes"][number] {
  return { actor: `${kind}/${id}`, kind, id, from: null, to: null, transitions: [], row };
}
