import { writeFile } from "node:fs/promises";
import { CHARTS_JSON, chartsFile } from "./charts.ts";

await writeFile(CHARTS_JSON, await chartsFile());
