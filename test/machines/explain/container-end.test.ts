import { describe, expect, it } from "vitest";
import { HistoryBuilder } from "../../../src/machines/explain/history.ts";
import { nearestText } from "../../../src/machines/instance-types/nearest.ts";
import { formatSpan } from "../../../src/machines/model/amounts.ts";
import type { ContainerEnd, ContainerRecord } from "../../../src/machines/model/fact.ts";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { tellContainer, tellWorker } from "../../support/told-journal.ts";

const ID = containerId(1);
const GIB = 2 ** 30;

function onWorker(changes: Partial<ContainerRecord> = {}): CoreBuilder {
  const builder = new CoreBuilder().dispatching().instance("i-1", "type1", [ID]);
  return builder.container(ID, { state: "Running", priority: "1", ...changes });
}

type Change = {
  state: "Running" | "Complete" | "Cancelled";
  priority?: string;
  end?: ContainerEnd;
};

function queueSays(builder: CoreBuilder, { state, priority = "1", end }: Change): void {
  const said = { containerId: ID, basedOnSeq: builder.core.seq, state, priority };
  builder.feed({ type: "container.changed", ...said, ...(end ? { end } : {}) });
}

function exited(exitCode: number, warning = ""): Change {
  return { state: "Complete", end: { exitCode, error: "", warning } };
}

function cancelled(error = "", priority = "1"): Change {
  return { state: "Cancelled", priority, end: { exitCode: null, error, warning: "" } };
}

function loseWorker(builder: CoreBuilder): void {
  for (const _ of [1, 2]) {
    builder.nowMs += 1000;
    const { nowMs: listStartedAtMs, core } = builder;
    const missing = {
      workerId: "i-1",
      basedOnSeq: core.seq,
      listStartedAtMs,
      lastGoodProbeAtMs: 0,
    };
    builder.feed({ type: "instance.missing", ...missing });
  }
  const { record } = builder.plan();
  const commandId = record?.commands[0]?.id ?? "";
  const done = { commandId, containerId: ID, operation: "cancel", priority: null } as const;
  builder.feed({ type: "operation.succeeded", ...done, state: "Cancelled" });
}

describe("how a container ended", () => {
  it.each<[string, Change, string, string]>([
    ["well", exited(0), "ok", "succeeded, with exit code 0"],
    ["badly", exited(3), "failed", "failed: exit code 3"],
    ["well, cut", exited(0, "5 bytes cut"), "ok", "succeeded, with exit code 0; 5 bytes cut"],
    ["by a signal", exited(143), "failed", "failed: exit code 143, ended by SIGTERM"],
    [
      "for want of memory",
      exited(137, "out of memory: the kernel killed a process of it"),
      "failed",
      "failed: out of memory: the kernel killed a process of it (exit code 137, ended by SIGKILL)",
    ],
    [
      "when its time was up",
      cancelled("maximum run time exceeded: the container was stopped after 2 s"),
      "failed",
      "was stopped after max_run_time: maximum run time exceeded: the container was stopped after 2 s",
    ],
    ["before it began", cancelled("no such command"), "failed", "failed: no such command"],
    [
      "by its user",
      cancelled("", "0"),
      "cancelled",
      "was cancelled by its user: the priority became 0",
    ],
    [
      "by somebody else",
      cancelled(),
      "cancelled",
      "was cancelled in the queue, and not by this dispatcher",
    ],
    [
      "as an older journal has it",
      { state: "Complete" },
      "unknown",
      "is Complete; with which exit code is not recorded",
    ],
  ])("%s", async (_, change, tone, text) => {
    const builder = onWorker();
    queueSays(builder, change);
    const told = await tellContainer(builder, ID);
    expect(told.answer.text).toBe(text);
    expect(told.end).toMatchObject({ tone, text, exitCode: change.end?.exitCode ?? null });
  });

  it.each(["kill.requested", "cancel.requested"] as const)(
    "by an operator (%s), with the reason",
    async (type) => {
      const builder = onWorker();
      builder.feed({ type, containerId: ID, reason: "runs wild" });
      queueSays(builder, cancelled());
      const { end } = await tellContainer(builder, ID);
      expect(end).toMatchObject({
        tone: "cancelled",
        text: "was cancelled by an operator: runs wild",
      });
    },
  );

  it("by its user, who set the priority to 0 while it ran", async () => {
    const builder = onWorker();
    queueSays(builder, { state: "Running", priority: "0" });
    builder.plan();
    queueSays(builder, cancelled());
    const { end } = await tellContainer(builder, ID);
    expect(end?.text).toBe("was cancelled by its user: the priority became 0");
  });

  it("with its worker, which is named", async () => {
    const builder = onWorker();
    loseWorker(builder);
    const { end } = await tellContainer(builder, ID);
    expect(end).toMatchObject({
      tone: "failed",
      text: "was lost with its worker type1 i-1: its instance is gone, and nobody saw it exit",
    });
  });

  it("by itself is no SIGTERM, though a process that still ends is swept up", async () => {
    const builder = onWorker({ name: "nightly" });
    queueSays(builder, exited(0));
    const { record } = builder.plan();
    expect(record?.decisions).toEqual([{ do: "kill", container: ID, reason: "state=Complete" }]);
    expect(record?.commands).toMatchObject([{ kind: "process.kill" }]);
    const told = await tellContainer(builder, ID);
    const worker = await tellWorker(builder, "i-1");
    const words = JSON.stringify([told.answer, worker.answer]);
    expect(words).not.toContain("SIGTERM");
    expect(words).toContain("it had ended (state=Complete), and its process was still ending");
    expect(worker.answer.because[0]?.text).toContain(`${ID} (nightly)`);
  });

  it("stands in its history too, and marks tell what went wrong", () => {
    const history = new HistoryBuilder({ kind: "container", id: ID }, { keepNoise: false });
    const builder = onWorker();
    history.begin(builder.core);
    const said = { containerId: ID, basedOnSeq: builder.core.seq, state: "Complete" } as const;
    const end = { exitCode: 3, error: "", warning: "" };
    for (const input of [{ type: "container.changed", ...said, priority: "1", end } as const]) {
      const { record, changes } = builder.feed(input);
      if (record) history.see(record, changes, builder.core);
    }
    const { record, changes } = builder.plan();
    if (record) history.see(record, changes, builder.core);
    const told = history.finish(builder.nowMs);
    expect(told.end).toMatchObject({ tone: "failed", text: "failed: exit code 3", exitCode: 3 });
    expect(told.marks.filter(({ failed }) => failed).map(({ text }) => text)).toEqual([
      "the queue says: Complete, exit code 3",
    ]);
    expect(told.marks.map(({ text }) => text)).toContain(
      `sweep up ${ID}: it had ended (state=Complete), and its process was still ending`,
    );
  });
});

describe("names and numbers as the user gave them", () => {
  it("has the name, the priority and the memory of the request", async () => {
    const createdAtMs = Date.parse("2026-01-02T03:04:05.678Z");
    const priority = String((500n << 50n) - BigInt(createdAtMs));
    const builder = new CoreBuilder().dispatching();
    builder.container(ID, { name: "nightly", priority, createdAtMs, ram: GIB / 4 });
    builder.plan();
    const told = await tellContainer(builder, ID);
    expect(told).toMatchObject({
      name: "nightly",
      priority,
      givenPriority: "500",
      asked: { ram: GIB / 4 },
    });
    expect(told.steps[0]?.fact.text).toBe("the queue has it: Queued, priority 500");
  });
});

describe("the nearest type", () => {
  const types = {
    small: { vcpus: 1, ram: 2 * GIB, scratch: 8 * GIB, price: 0.1 },
    large: { vcpus: 2, ram: 8 * GIB, scratch: 8 * GIB, price: 0.2 },
  };

  function nearest(changes: Partial<ContainerRecord>): string {
    const builder = new CoreBuilder({ reserveExtraRam: 0, localKeepBlobBuffersPerVcpu: 0 });
    const settings = builder.core.settings!;
    const base = Object.values(settings.instanceTypes)[0]!;
    const instanceTypes = Object.fromEntries(
      Object.entries(types).map(([name, type]) => [name, { ...base, ...type, name }]),
    );
    builder.container(ID, changes);
    const record = builder.core.registry.get("container", ID)!.context.record!;
    return nearestText(record, { ...settings, instanceTypes });
  }

  it("is told with the numbers that miss first, and those that do not", () => {
    expect(nearest({ vcpus: 4, ram: 7.5 * GIB })).toBe(
      "nearest: large has 2 VCPUs, 4 wanted; 8GiB RAM, 7.5GiB wanted OK",
    );
  });

  it("tells of what the system takes where that is what misses", () => {
    expect(nearest({ vcpus: 1, ram: 8 * GIB })).toBe(
      "nearest: large has 8GiB RAM, 8GiB wanted, which takes 8.4GiB of an instance; 2 VCPUs, 1 wanted OK",
    );
  });

  it("says which GPU there is, and whether it may be preemptible", () => {
    const gpu = { stack: "cuda", driverVersion: "12.0", hardwareTarget: ["9.0"], deviceCount: 1 };
    expect(nearest({ gpu: { ...gpu, vram: GIB }, preemptible: true })).toMatch(
      /^nearest: large has no preemptible instances, preemptible instances wanted; no GPU, 1 GPU \(cuda 12\.0, 9\.0, 1GiB\) wanted; /,
    );
  });

  it("stands beside the original's words, which stay", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(ID, { vcpus: 64 });
    const { record } = builder.plan();
    expect(record?.commands).toMatchObject([
      { error: "constraints not satisfiable by any configured instance type" },
    ]);
    const told = await tellContainer(builder, ID);
    expect(told.nearest).toMatch(/^nearest: \S+ has \d+ VCPUs, 64 wanted; /);
    expect(told.answer.text).toContain(told.nearest);
  });
});

describe("a boot that takes too long", () => {
  it("is called a time-out, with the limit", async () => {
    const builder = new CoreBuilder().dispatching();
    builder.container(ID, { state: "Locked" });
    builder.plan();
    builder.createEnds("i-7");
    const [worker] = [...builder.readModel.all("worker")];
    const workerId = worker?.context.workerId ?? "";
    const bornMs = builder.nowMs;
    const limitMs = builder.core.settings!.timeoutBootingMs;
    builder.nowMs += limitMs;
    builder.feed({
      type: "probe.failed",
      workerId,
      basedOnSeq: builder.core.seq,
      startedAtMs: builder.nowMs,
      lastGoodProbeAtMs: bornMs,
      booted: false,
      broken: false,
      error: "disk not mounted",
    });
    const told = await tellWorker(builder, workerId);
    const span = formatSpan(limitMs);
    expect(told.answer.text).toBe(
      `is being destroyed: boot timed out (TimeoutBooting ${span}): no good answer to a probe for ${span}`,
    );
    expect(told.boot.outcome).toBe("failure");
  });
});
