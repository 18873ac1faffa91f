/** `json` for machines, `text` (logfmt) for eyes, `plain` for a terminal: the message and its data only. */
export type LogFormat = "json" | "text" | "plain";

type LogEntry = Readonly<Record<string, unknown>>;

/** One line of the log in a format; `line` is the JSON that pino makes. */
export function formatLine(line: string, format: LogFormat): string {
  if (format === "json") return line;
  const { time, level, msg, PID, ClusterID, ...data } = JSON.parse(line) as LogEntry;
  const fields = pairs(data);
  if (format === "plain") {
    const prefix = level === "info" ? [] : [`${text(level)}:`];
    return `${[...prefix, text(msg), ...fields].join(" ")}\n`;
  }
  return `${[...pairs({ time, level, msg, PID, ClusterID }), ...fields].join(" ")}\n`;
}

function pairs(entry: LogEntry): string[] {
  return Object.entries(entry)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const shown = text(value);
      return `${key}=${/^[\w.:/@+,-]+$/.test(shown) ? shown : JSON.stringify(shown)}`;
    });
}

function text(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}
