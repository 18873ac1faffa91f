import { describe, expect, it } from "vitest";
import { wireJson, wireTime } from "../../src/http/wire-json.ts";

describe("the JSON on the wire", () => {
  it("has priorities as integers, and leaves alone a text that looks like one", () => {
    const text = '"priority":"1"';
    expect(
      wireJson({ priority: "-9223372036854775808", error: text, list: [{ priority: "0" }] }),
    ).toBe(
      `{"priority":-9223372036854775808,"error":${JSON.stringify(text)},"list":[{"priority":0}]}`,
    );
    expect(wireJson({ priority: "1x" })).toBe('{"priority":"1x"}');
  });

  it("has times without trailing zeros, and none as the year 1", () => {
    const times = ["05.678", "05.600", "05.000", "00.000", "10.010"].map((s) =>
      wireTime(Date.parse(`2026-10-20T00:00:${s}Z`)),
    );
    expect(times.map((time) => time.slice(17))).toEqual([
      "05.678Z",
      "05.6Z",
      "05Z",
      "00Z",
      "10.01Z",
    ]);
    expect(wireTime(null)).toBe("0001-01-01T00:00:00Z");
  });
});
