import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseLossless, stringifyLossless } from "../../../../src/drivers/queue/arvados/json.ts";

/** What `parseLossless` makes of a value: integers beyond 2^53 as digits. */
function expected(value: unknown): unknown {
  if (typeof value === "bigint" || typeof value === "number") {
    const text = value.toString();
    return /^-?\d+$/.test(text) && !Number.isSafeInteger(Number(text)) ? text : Number(value);
  }
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, expected(member)]),
    );
  }
  return value;
}

/** Strings that look like what is looked for, with quotes and backslashes before and after. */
const trickyText = fc.oneof(
  fc.string(),
  fc
    .array(fc.constantFrom('"', "\\", "1234567890123456789", ":", ",", "[", "{", "-", " ", "\n"))
    .map((parts) => parts.join("")),
);

const tree = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.bigInt({ min: -(2n ** 64n), max: 2n ** 64n }),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((x) => (x === 0 ? 0 : x)),
    fc.boolean(),
    fc.constant(null),
    trickyText,
    fc.array(tie("value"), { maxLength: 5 }),
    fc.dictionary(
      trickyText.filter((key) => key !== "__proto__"),
      tie("value"),
      { maxKeys: 5 },
    ),
  ),
})).value;

describe("JSON with integers beyond 2^53", () => {
  it("comes back as it was, with long integers as digits and every string untouched", () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(JSON.stringify(parseLossless(stringifyLossless(value)))).toBe(
          JSON.stringify(expected(value)),
        );
      }),
      { numRuns: 500 },
    );
  });

  it("reads any text as JSON.parse does, but for the digits: broken text stays broken", () => {
    const pieces = fc.constantFrom(
      ...[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        '"',
        "\\",
        "-",
        ".",
        "e",
        "0",
        "12345678901234567",
        " ",
        "a",
      ],
    );
    const text = fc.array(pieces, { maxLength: 12 }).map((parts) => parts.join(""));
    const parses = (parse: () => unknown) => {
      try {
        parse();
        return true;
      } catch {
        return false;
      }
    };
    fc.assert(
      fc.property(text, (given) => {
        expect(parses(() => parseLossless(given))).toBe(parses(() => JSON.parse(given) as unknown));
      }),
      { numRuns: 3000 },
    );
  });

  it("keeps the digits that rounding would lose", () => {
    expect(parseLossless(`{"priority": 562948188143312001 , "n":[-9007199254740993]}`)).toEqual({
      priority: "562948188143312001",
      n: ["-9007199254740993"],
    });
  });

  it("leaves fractions, exponents and keys alone", () => {
    expect(
      parseLossless(`[1.2345678901234567, 12345678901234567890.5, 12345678901234567e2]`),
    ).toEqual([1.2345678901234567, 12345678901234567890.5, 12345678901234567e2]);
    expect(() => parseLossless(`{12345678901234567: 1}`)).toThrow(SyntaxError);
  });

  it("writes a bigint as a plain integer and leaves undefined out", () => {
    expect(stringifyLossless({ a: 2n ** 60n, b: undefined, c: [1n, undefined] })).toBe(
      `{"a":1152921504606846976,"c":[1,null]}`,
    );
  });
});
