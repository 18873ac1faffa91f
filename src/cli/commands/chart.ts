import { writeFileSync } from "node:fs";
import { Timeline, TimelineError } from "../../actors/timeline/timeline.ts";
import { openJournal } from "../../drivers/journal/sqlite.ts";
import { historyView } from "../../http/actor-view.ts";
import { chartMermaid } from "../../http/export/chart-mermaid.ts";
import { chartSvg } from "../../http/export/chart-svg.ts";
import { historyMermaid } from "../../http/export/history-mermaid.ts";
import { historySvg } from "../../http/export/history-svg.ts";
import { machinesAnswer } from "../../http/machines.ts";
import type { HistoryAnswer } from "../../http/wire/actor.ts";
import type { Chart } from "../../http/wire/chart.ts";
import { ACTOR_KINDS } from "../../machines/model/ids.ts";
import { defineCommand, usageError } from "../command.ts";
import { CliError, EXIT } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { JOURNAL_NOTE, journalPath } from "../journal-path.ts";
import { suggestion } from "../nearest.ts";

const FORMATS = ["mermaid", "svg", "json"] as const;
type Format = (typeof FORMATS)[number];

const jsonText = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

const CHART_FILES: Readonly<Record<Format, (chart: Chart) => string>> = {
  mermaid: chartMermaid,
  svg: chartSvg,
  json: jsonText,
};
const HISTORY_FILES: Readonly<Record<Format, (history: HistoryAnswer) => string>> = {
  mermaid: historyMermaid,
  svg: historySvg,
  json: jsonText,
};

export const chartCommand = defineCommand({
  name: "chart",
  summary:
    "Draws a state machine's chart; or, from a journal, what a worker or a container went through.",
  flags: {
    format: {
      type: "string",
      value: FORMATS.join("|"),
      help: "What to make: text for Mermaid, a picture, or data; default: mermaid",
    },
    output: { type: "string", value: "FILE", help: "Write it there, not to standard output" },
    actor: {
      type: "string",
      value: "ID",
      help:
        "Of a worker, an instance or a container, or supervisor, quota, throttle, capacity:KEY: draw its history " +
        "from --journal",
    },
    journal: { type: "string", value: "JOURNAL", help: "Where --actor is looked for" },
    noise: {
      type: "boolean",
      help: "With --actor: keep also what only repeats what was known, such as probes",
    },
  },
  args: { usage: `[${ACTOR_KINDS.join("|")}]`, min: 0, max: 1 },
  notes: [
    "Charts are those of this program's code, as the page shows them. A history is a bar a state, region by region; as json " +
      "it is what GET /dispatch/v1/actors/ID/history answers.",
    JOURNAL_NOTE,
  ],
  exitCodes: { [EXIT.failed]: "the journal names nobody so, or it or the file cannot be used" },
  examples: [
    "dispatch-cloud chart worker --format svg --output worker.svg",
    "dispatch-cloud chart container",
    "dispatch-cloud chart --actor i-0123456789abcdef0 --journal /var/lib/dispatch-cloud --format svg > history.svg",
  ],
  async run({ flags, args: [kind], io }) {
    const { actor, journal } = flags;
    const format = formatOf(flags.format ?? "mermaid");
    if ((kind === undefined) === (actor === undefined))
      throw usageError(chartCommand, `expected one of ${ACTOR_KINDS.join(", ")}, or --actor ID`);
    if ((actor === undefined) !== (journal === undefined))
      throw usageError(chartCommand, "--actor ID and --journal JOURNAL are given together");
    if (flags.noise && actor === undefined) throw usageError(chartCommand, "--noise needs --actor");
    const text =
      actor !== undefined && journal !== undefined
        ? HISTORY_FILES[format](await historyOf(actor, journalPath(journal), flags.noise, io))
        : CHART_FILES[format](chartOf(kind ?? ""));
    if (flags.output === undefined) io.out(text);
    else save(flags.output, text);
    return EXIT.ok;
  },
});

function formatOf(text: string): Format {
  const format = FORMATS.find((known) => known === text);
  if (format) return format;
  const expected = `expected ${FORMATS.join(", ")}`;
  throw usageError(chartCommand, `--format: ${expected}; found ${JSON.stringify(text)}`);
}

function chartOf(kind: string): Chart {
  const chart = charts().find((one) => one.kind === kind);
  if (chart) return chart;
  const near = suggestion(kind, ACTOR_KINDS) || `; there are ${ACTOR_KINDS.join(", ")}`;
  throw usageError(chartCommand, `no chart of ${JSON.stringify(kind)}${near}`);
}

function charts(): readonly Chart[] {
  try {
    return machinesAnswer().machines;
  } catch (error) {
    throw new CliError((error as Error).message, { cause: error });
  }
}

/** All of it, however long: nobody else waits here. */
async function historyOf(
  id: string,
  path: string,
  keepNoise: boolean,
  io: Io,
): Promise<HistoryAnswer> {
  const journal = openJournal({ path, mode: "read", nowMs: io.nowMs });
  try {
    const timeline = new Timeline({ journal, recordsMax: Infinity, pause: async () => {} });
    const history = await timeline.history(id, { keepNoise });
    if (history && history.spans.length > 0) return historyView(history);
    throw new CliError(`the journal ${path} names no worker, instance or container ${id}`);
  } catch (error) {
    if (error instanceof TimelineError) throw new CliError(error.message, { cause: error });
    throw error;
  } finally {
    await journal.close();
  }
}

function save(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new CliError(`--output ${path}: ${(error as Error).message}`, { cause: error });
  }
}
