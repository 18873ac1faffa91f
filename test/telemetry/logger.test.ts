import { describe, expect, it } from "vitest";
import type { LogFormat } from "../../src/telemetry/log-format.ts";
import { makeLogger, type Logger, type LogLevel } from "../../src/telemetry/logger.ts";
import { makeRedactor } from "../../src/telemetry/redact.ts";

const SECRET = "s3cr3ts3cr3t";
const nowMs = Date.UTC(2026, 0, 2, 3, 4, 5, 678);

function record(
  use: (log: Logger) => void,
  { format = "json", level = "info" }: { format?: LogFormat; level?: LogLevel } = {},
): string[] {
  const lines: string[] = [];
  use(
    makeLogger({
      level,
      format,
      pid: 42,
      clusterId: "zzzzz",
      redact: makeRedactor([SECRET]),
      nowMs: () => nowMs,
      write: (line) => lines.push(line),
    }),
  );
  return lines;
}

describe("the log", () => {
  it("has the keys of the original, with the time in nine digits", () => {
    const [line = ""] = record((log) => log.info({ Instance: "i-1" }, "instance booted"));
    expect(line.endsWith("}\n")).toBe(true);
    expect(JSON.parse(line)).toEqual({
      level: "info",
      time: "2026-01-02T03:04:05.678000000Z",
      PID: 42,
      ClusterID: "zzzzz",
      Instance: "i-1",
      msg: "instance booted",
    });
  });

  it("is written as key=value, or as the message and its data alone, if so configured", () => {
    const use = (log: Logger) => {
      log.info({ N: 2 }, "loaded initial instance list");
      log.warn({ stderr: "a b", ids: ["x"] }, "probe failed");
    };
    expect(record(use, { format: "text" })).toEqual([
      'time=2026-01-02T03:04:05.678000000Z level=info msg="loaded initial instance list" PID=42 ClusterID=zzzzz N=2\n',
      'time=2026-01-02T03:04:05.678000000Z level=warn msg="probe failed" PID=42 ClusterID=zzzzz stderr="a b" ids="[\\"x\\"]"\n',
    ]);
    expect(record(use, { format: "plain" })).toEqual([
      "loaded initial instance list N=2\n",
      'warn: probe failed stderr="a b" ids="[\\"x\\"]"\n',
    ]);
  });

  it("leaves out what is below its level; panic means fatal only", () => {
    const use = (log: Logger) => {
      log.debug("d");
      log.error("e");
      log.fatal("f");
    };
    expect(record(use)).toHaveLength(2);
    expect(record(use, { level: "debug" })).toHaveLength(3);
    expect(record(use, { level: "panic" })).toHaveLength(1);
  });

  it.each(["json", "text", "plain"] as const)("never shows a secret (%s)", (format) => {
    const inner = Object.assign(new Error(`inner ${SECRET}`), { url: `https://h/?t=${SECRET}` });
    const outer = new Error(`outer ${SECRET}`, { cause: inner });
    const lines = record(
      (log) => {
        log.error({ err: outer }, "call failed");
        log.error({ error: new AggregateError([inner], SECRET) }, "calls failed");
        log.error(outer);
        log.info({ deep: { list: [{ x: SECRET }] }, [SECRET]: 1 }, `msg ${SECRET}`);
        log.info({ headers: { authorization: "short" }, token: "abc", b: { password: 1 } }, "h");
        log.child({ Address: `u:${SECRET}@h` }).info("child");
        log.info({ b64: Buffer.from(SECRET).toString("base64") }, "encoded");
      },
      { format },
    );
    expect(lines).toHaveLength(7);
    const all = lines.join("");
    for (const part of [SECRET, "short", '"abc"', "=abc", Buffer.from(SECRET).toString("base64")]) {
      expect(all).not.toContain(part);
    }
    expect(all).toContain("inner [redacted]");
    expect(all).toContain("outer [redacted]");
  });

  it("survives what cannot be logged", () => {
    const round: Record<string, unknown> = {};
    round["self"] = round;
    const lines = record((log) => log.info({ round, big: 10n, f: () => 1 }, "odd"), {
      format: "text",
    });
    expect(lines.join()).toContain("msg=odd");
  });
});
