import { logReleased, type JournalLog } from "../actors/journal-log.ts";
import type { Released } from "../actors/supervisor.ts";
import type { LogLine } from "./wire/record.ts";

/** What the daemon logs of a record. */
export function logLinesOf(released: Released): LogLine[] {
  const lines: LogLine[] = [];
  logReleased(collector(lines, {}), released);
  return lines;
}

function collector(lines: LogLine[], bound: object): JournalLog {
  const write =
    (level: LogLine["level"]) =>
    (...[fields, message]: [object, string] | [string]): void => {
      const given = typeof fields === "string" ? {} : fields;
      const text = typeof fields === "string" ? fields : (message ?? "");
      lines.push({ level, message: text, fields: { ...bound, ...given } });
    };
  return {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    child: (fields) => collector(lines, { ...bound, ...fields }),
  };
}
