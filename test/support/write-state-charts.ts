import { writeFile } from "node:fs/promises";
import { CHARTS_FILE, stateChartsPage } from "./state-charts.ts";

await writeFile(CHARTS_FILE, await stateChartsPage());
