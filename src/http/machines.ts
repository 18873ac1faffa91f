import { readFileSync } from "node:fs";
import { Problem } from "./problem.ts";
import type { MachinesAnswer } from "./wire/chart.ts";

/** Beside the page's sources, and beside the built page. */
const CHARTS = new URL("./visualizer/charts.json", import.meta.url);

let read: MachinesAnswer | undefined;

/** The state charts with their layout. They do not change while the program runs. */
export function machinesAnswer(): MachinesAnswer {
  try {
    return (read ??= {
      machines: JSON.parse(readFileSync(CHARTS, "utf8")) as MachinesAnswer["machines"],
    });
  } catch {
    const detail = "the charts are made with the page: npm run build makes it";
    throw new Problem(404, "not-built", detail);
  }
}
