import { destination, pino, stdSerializers, type Logger as PinoLogger } from "pino";
import { formatLine, type LogFormat } from "./log-format.ts";
import { redactJson, type Redactor } from "./redact.ts";

/** Messages are constant, data stands in fields: `log.info({ Instance }, "instance appeared in cloud")`. */
export type Logger = PinoLogger;

export type LogLevel = "panic" | "fatal" | "error" | "warn" | "info" | "debug" | "trace";

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  readonly pid: number;
  /** "" before the config is loaded. */
  readonly clusterId: string;
  readonly redact: Redactor;
  readonly nowMs: () => number;
  /** Where lines go; standard error if not given. */
  readonly write?: (line: string) => void;
}

/** Keys whose values are dropped whatever they are, one level down too. */
const SECRET_KEYS = ["authorization", "Authorization", "token", "password", "privateKey", "secret"];

/**
 * A logger with the keys of specification §14: `time`, `level`, `msg`, `PID`, `ClusterID`. Every line, stacks and causes of errors
 * included, goes through the redactor before it leaves the process.
 */
export function makeLogger(options: LoggerOptions): Logger {
  const write = options.write ?? standardError();
  return pino(
    {
      // There is no level above fatal here.
      level: options.level === "panic" ? "fatal" : options.level,
      messageKey: "msg",
      base: {
        PID: options.pid,
        ...(options.clusterId === "" ? {} : { ClusterID: options.clusterId }),
      },
      timestamp: () => `,"time":"${timeText(options.nowMs())}"`,
      serializers: { err: stdSerializers.err, error: stdSerializers.err },
      formatters: { level: (label) => ({ level: label }) },
      redact: {
        paths: SECRET_KEYS.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]),
        censor: "[redacted]",
      },
    },
    { write: (line: string) => write(finish(line, options)) },
  );
}

function finish(line: string, { redact, format }: LoggerOptions): string {
  try {
    return formatLine(redactJson(line, redact), format);
  } catch {
    // Not JSON, whatever was logged: show what can be shown rather than end the daemon over a log line.
    return `${JSON.stringify({ level: "error", msg: "unreadable log line", line: redact(line) })}\n`;
  }
}

/** RFC 3339 with nine digits, as the original writes it. */
function timeText(ms: number): string {
  return new Date(ms).toISOString().replace("Z", "000000Z");
}

/** Synchronous, so that the last lines before an exit are written. */
function standardError(): (line: string) => void {
  const stream = destination({ dest: 2, sync: true });
  // Whoever read our log is gone: that is no reason to stop dispatching.
  stream.on("error", () => {});
  return (line) => stream.write(line);
}
