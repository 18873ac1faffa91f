import type { Chart } from "../../wire/chart.ts";
import { chartMermaid } from "../../export/chart-mermaid.ts";
import { chartSvg } from "../../export/chart-svg.ts";
import { historyMermaid } from "../../export/history-mermaid.ts";
import { historySvg } from "../../export/history-svg.ts";
import type { ApiClient } from "../api/api-client.ts";
import { getHistory } from "../api/endpoints.ts";
import { saveFile } from "./save-file.ts";

interface ChartExportsProps {
  readonly chart: Chart;
  readonly api: ApiClient;
  /** Of the chosen actor; "" for none. */
  readonly id: string;
}

/** The chart, and what the chosen one went through, as files; made here, as `dispatch-cloud chart` makes them. */
export function ChartExports({ chart, api, id }: ChartExportsProps) {
  const history = async (make: typeof historySvg, ending: string): Promise<void> =>
    saveFile(`history-${id}.${ending}`, make(await getHistory(api, id, { noise: true })));
  return (
    <>
      <div class="chart-exports" role="group" aria-label="Save the chart">
        <span class="dim">Chart as</span>
        <button type="button" onClick={() => saveFile(`${chart.kind}.svg`, chartSvg(chart))}>
          SVG
        </button>
        <button type="button" onClick={() => saveFile(`${chart.kind}.mmd`, chartMermaid(chart))}>
          Mermaid
        </button>
        <button type="button" onClick={() => saveFile(`${chart.kind}.json`, jsonText(chart))}>
          JSON
        </button>
      </div>
      {id !== "" && (
        <div class="chart-exports" role="group" aria-label="Save the history">
          <span class="dim">History as</span>
          <button type="button" onClick={() => void history(historySvg, "svg")}>
            SVG
          </button>
          <button type="button" onClick={() => void history(historyMermaid, "mmd")}>
            Mermaid
          </button>
          <button type="button" onClick={() => void history(jsonText, "json")}>
            JSON
          </button>
        </div>
      )}
    </>
  );
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
