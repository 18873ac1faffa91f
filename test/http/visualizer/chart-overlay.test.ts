import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  activeIds,
  edgeText,
  fleetFilter,
  litIds,
  nodeText,
  takenEdge,
} from "../../../src/http/visualizer/chart/overlay.ts";
import type { Chart } from "../../../src/http/wire/chart.ts";
import { step } from "../../../src/machines/step.ts";
import { workerMachine } from "../../../src/machines/worker/worker.machine.ts";
import { CHARTS_JSON } from "../../support/charts/charts.ts";
import { WorkerRig } from "../../support/worker-rig.ts";

const charts = JSON.parse(readFileSync(CHARTS_JSON, "utf8")) as Chart[];
const chartOf = (kind: string): Chart => charts.find((chart) => chart.kind === kind) as Chart;

const taken = (event: string, guard: string, from: string, to: string) => ({
  event,
  guard,
  from,
  to,
  seq: 1,
  at: "2026-01-01T00:00:00.000Z",
});

describe("the chart's overlay", () => {
  it("names the boxes of the states that an actor is in", () => {
    expect(activeIds({ lifecycle: "idle", idleBehavior: "run" })).toEqual([
      "lifecycle.idle",
      "idleBehavior.run",
    ]);
    expect(activeIds("open")).toEqual(["open"]);
  });

  it("finds the arrow of each transition that a step reports", () => {
    const { snapshot, settings, nowMs, seq, context } = WorkerRig.idle();
    const event = { type: "start.decided", containerId: "c", atMs: nowMs, seq, settings } as const;
    const [first] = step(workerMachine, snapshot, event).transitions;
    expect(context.processes).toEqual({});
    const path = (id = ""): string => workerMachine.getStateNodeById(id).path.join(".");
    const last = taken(first?.event ?? "", first?.guard ?? "", path(first?.from), path(first?.to));
    expect(takenEdge(chartOf("worker"), last)?.id).toBe("lifecycle.idle→lifecycle.running");
  });

  it("finds the arrow of what was taken without an event, to a state that the guard names, or from the whole chart", () => {
    const worker = taken("probe.succeeded", "noProcesses", "lifecycle.running", "lifecycle.idle");
    expect(takenEdge(chartOf("worker"), worker)?.id).toBe("lifecycle.running→lifecycle.idle");
    const record = taken("container.changed", "becomes Locked", "record.Queued", "record.Locked");
    const named = takenEdge(chartOf("container"), record);
    expect(named?.to_any).toContain("record.Locked");
    expect(named && edgeText(named)).toBe(
      "Queued, Locked, Running, Complete, Cancelled to Queued or Locked or Running or Complete or Cancelled: " +
        "on container.changed or operation.succeeded if becomes that one",
    );
    expect(takenEdge(chartOf("throttle"), taken("create.failed", "", "", "held"))?.to).toBe("held");
  });

  it("finds none where the state stayed", () => {
    expect(takenEdge(chartOf("worker"), null)).toBeUndefined();
    const stayed = taken("probe.failed", "newError", "lifecycle.idle", "");
    expect(takenEdge(chartOf("worker"), stayed)).toBeUndefined();
  });

  it("lights a state's arrows, and an arrow's states", () => {
    const lit = litIds(chartOf("worker"), { node: "lifecycle.booting" });
    expect(lit).toContain("lifecycle.booting→lifecycle.idle");
    expect(lit).not.toContain("lifecycle.idle→lifecycle.running");
    expect([...litIds(chartOf("worker"), { edge: "lifecycle.booting→lifecycle.idle" })]).toEqual(
      expect.arrayContaining(["lifecycle.booting", "lifecycle.idle"]),
    );
    expect(litIds(chartOf("worker"), {}).size).toBe(0);
  });

  it("names states and arrows for who cannot see them", () => {
    const chart = chartOf("worker");
    const idle = chart.nodes.find(({ id }) => id === "lifecycle.idle");
    expect(idle && nodeText(chart, idle, 12, false)).toBe("worker, lifecycle: idle, 12 workers");
    const edge = chart.edges.find(({ id }) => id === "lifecycle.booting→lifecycle.idle");
    expect(edge && edgeText(edge)).toBe("booting to idle: on probe.succeeded if booted");
  });

  it("leads to the rows of a state in the fleet", () => {
    expect(fleetFilter("worker", "lifecycle.idle")).toEqual({ state: "worker:idle" });
    expect(fleetFilter("worker", "idleBehavior.hold")).toEqual({ state: "behavior:hold" });
    expect(fleetFilter("container", "record.Queued")).toEqual({ q: "state:Queued" });
    expect(fleetFilter("quota", "open")).toBeNull();
  });
});
