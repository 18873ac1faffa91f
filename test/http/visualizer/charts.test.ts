import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { AnyStateMachine } from "xstate";
import { chartSchema } from "../../../src/http/wire/chart.ts";
import type { Chart, ChartNode } from "../../../src/http/wire/chart.ts";
import { MACHINES } from "../../../src/machines/core/registry.ts";
import { ACTOR_KINDS } from "../../../src/machines/model/ids.ts";
import { guardText, pathOf, transitionsOf } from "../../../src/machines/transitions.ts";
import type { ChartTransition } from "../../../src/machines/transitions.ts";
import { CHARTS_JSON, chartsFile } from "../../support/charts/charts.ts";
import { crossingsOf } from "../../support/charts/crossings.ts";

const text = await readFile(CHARTS_JSON, "utf8");
const charts = chartSchema.array().parse(JSON.parse(text));

function chartOf(kind: string): Chart {
  const chart = charts.find((one) => one.kind === kind);
  if (!chart) throw new Error(`no chart of ${kind}`);
  return chart;
}

type Box = Pick<ChartNode, "x" | "y" | "w" | "h">;

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

const contains = (outer: Box, inner: Box): boolean =>
  inner.x >= outer.x &&
  inner.y >= outer.y &&
  inner.x + inner.w <= outer.x + outer.w &&
  inner.y + inner.h <= outer.y + outer.h;

function allTransitions(machine: AnyStateMachine): ChartTransition[] {
  const below = (node: AnyStateMachine["root"]): ChartTransition[] => [
    ...transitionsOf(node),
    ...Object.values(node.states).flatMap((child) => below(child)),
  ];
  return below(machine.root);
}

/** Every state that a transition may be taken in, as a picture shows it: its own, or all within it. */
function statesOf({ source }: ChartTransition): string[] {
  const inner = Object.values(source.states).map(pathOf);
  return inner.length > 0 ? inner : [pathOf(source)];
}

describe("charts.json", () => {
  it("shows the machines as they are (otherwise: npm run charts)", async () => {
    expect(text).toBe(await chartsFile());
  });

  it("has a chart of each machine", () => {
    expect(charts.map(({ kind }) => kind)).toEqual(ACTOR_KINDS);
  });
});

describe.each(ACTOR_KINDS)("the chart of %s", (kind) => {
  const chart = chartOf(kind);
  const states = chart.nodes.filter(({ type }) => type !== "region");
  const regions = chart.nodes.filter(({ type }) => type === "region");

  it("draws each transition of the machine", () => {
    for (const transition of allTransitions(MACHINES[kind])) {
      const { target, event, guard } = transition;
      const says = (one: { events: readonly string[]; guard: string }): boolean =>
        one.guard === guardText(guard) &&
        (event === "" ? one.events.length === 0 : one.events.includes(event));
      const name = `${pathOf(transition.source)} ${event} [${guardText(guard)}]`;
      if (!target) {
        const taken = chart.internal.filter(says).flatMap((one) => one.in);
        expect(taken, name).toContain(pathOf(transition.source));
        continue;
      }
      for (const state of statesOf(transition)) {
        const drawn = chart.edges.filter(
          (edge) =>
            edge.to_any.includes(pathOf(target)) &&
            edge.from_any.includes(state) &&
            edge.transitions.some(says),
        );
        expect(drawn, `${name} in ${state}`).toHaveLength(1);
      }
    }
  });

  it("draws nothing else", () => {
    const drawn = chart.edges.flatMap(({ from_any, transitions }) =>
      transitions.flatMap(({ events }) => from_any.map(() => Math.max(1, events.length))),
    );
    const own = allTransitions(MACHINES[kind]).filter(({ target }) => target);
    const expected = own.reduce((sum, transition) => sum + statesOf(transition).length, 0);
    expect(drawn.reduce((a, b) => a + b, 0)).toBe(expected);
  });

  it("marks where each region begins", () => {
    for (const region of regions) {
      const first = states.filter(({ parent, initial }) => parent === region.id && initial);
      const begin = chart.edges.find(({ from }) => from === `${region.id}.initial`);
      expect(first.map(({ id }) => id)).toEqual([begin?.to]);
    }
  });

  it("keeps its boxes and labels apart and inside their region", () => {
    const labels = chart.edges.flatMap(({ label }) => label ?? []);
    const boxes = [...states, ...labels];
    for (const [index, box] of boxes.entries())
      for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false);
    for (const state of states) {
      const region = regions.find(({ id }) => id === state.parent);
      expect(region && contains(region, state), state.id).toBe(true);
    }
    const frame = { x: 0, y: 0, w: chart.width, h: chart.height };
    for (const box of [...regions, ...labels]) expect(contains(frame, box)).toBe(true);
  });

  it("leads each arrow from its box to its box, with few crossings", () => {
    const byId = new Map(chart.nodes.map((node) => [node.id, node]));
    for (const { id, from, to, points } of chart.edges) {
      const ends = [points[0], points.at(-1)].map(([x = 0, y = 0] = [0, 0]) => ({ x, y }));
      for (const [index, name] of [from, to].entries()) {
        const { x = 0, y = 0, w = 0, h = 0 } = byId.get(name) ?? {};
        const around = { x: x - 1, y: y - 1, w: w + 2, h: h + 2 };
        expect(
          contains(around, { ...(ends[index] as { x: number; y: number }), w: 0, h: 0 }),
          id,
        ).toBe(true);
      }
    }
    expect(crossingsOf(chart.edges)).toBeLessThanOrEqual(3);
  });
});
