import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { clusterSchema } from "../../src/config/cluster.section.ts";
import { dumpConfig } from "../../src/config/dump.ts";
import { isMap, type ConfigMap } from "../../src/config/document.ts";
import { hasErrors } from "../../src/config/finding.ts";
import { loadConfig, type LoadResult } from "../../src/config/load.ts";
import { otherKeys } from "../../src/config/other-keys.ts";
import { defaultsOf } from "../../src/config/schema-walk.ts";

const host = { cpus: 3, ramBytes: 4_000_000_000, tmpBytes: 10_000_000_000 };
const SECRET = "k9SecretThatNobodyMayRead";

function load(text: string): LoadResult {
  return loadConfig(text, { env: {}, sourceName: "test.yml", host });
}

/** Either a config that can be shown again, or an error; and each finding says where and what. */
function expectAnswer({ config, document, findings }: LoadResult): void {
  expect(config === undefined).toBe(hasErrors(findings));
  expect(document === undefined).toBe(config === undefined);
  for (const { path, message } of findings) {
    const names = [path, "test.yml: "].filter((name) => name !== "");
    expect(names.some((name) => message.includes(name))).toBe(true);
    expect(message.length).toBeGreaterThan(path.length);
  }
}

/** Paths to every entry that a config may have, leaves and maps alike. */
function pathsIn(tree: unknown, prefix: readonly string[] = []): string[][] {
  if (!isMap(tree)) return [];
  return Object.entries(tree).flatMap(([key, value]) => {
    const path = [...prefix, key];
    return [path, ...pathsIn(value, path)];
  });
}

const KNOWN = [
  ...pathsIn(defaultsOf(clusterSchema)),
  ...Object.keys(otherKeys.shape).map((key) => [key]),
  ...pathsIn({ InstanceTypes: { big: { RAM: 0, VCPUs: 0, Price: 0, GPU: { DeviceCount: 0 } } } }),
  ...pathsIn({ Volumes: { v: { StorageClasses: { default: 0 }, AccessViaHosts: 0 } } }),
];

function graft(value: unknown, path: readonly string[]): unknown {
  return path.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}

const key = fc.oneof(
  fc.string({ maxLength: 8 }),
  fc.constantFrom("__proto__", "constructor", "toString", "", "*", "a.b", "http://[", "<<"),
);
const scalar = fc.oneof(
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom(
    "",
    "-1",
    "0s",
    "1e400s",
    "10 GiB",
    "yes",
    "22:30",
    "2026-01-02",
    "http://[",
    "~",
  ),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
);
const anyValue = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    fc.array(fc.tuple(key, tie("value")), { maxLength: 3 }).map((all) => Object.fromEntries(all)),
  ),
})).value;

describe("a config of arbitrary content is loaded or refused in words", () => {
  it("any bytes", () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).map((all) => Buffer.from(all).toString());
    fc.assert(
      fc.property(bytes, (text) => expectAnswer(load(text))),
      { numRuns: 300 },
    );
  });

  it("any sequence of what YAML is made of", () => {
    const pieces = fc.constantFrom(
      ..."Clusters|zzzzz|:|: |\n|  |- |? |{|}|[|]|,|&a |*a|<<|!!map |!x |---\n|...\n|%YAML 1.1\n|\"|'|\\|#|\t|".split(
        "|",
      ),
      "|",
      ">-\n",
      "Clusters: {zzzzz: ",
    );
    const text = fc.array(pieces, { maxLength: 25 }).map((all) => all.join(""));
    fc.assert(
      fc.property(text, (yaml) => expectAnswer(load(yaml))),
      { numRuns: 300 },
    );
  });

  it("any value in the place of any known entry", () => {
    fc.assert(
      fc.property(fc.constantFrom(...KNOWN), anyValue, (path, value) => {
        expectAnswer(load(stringify({ Clusters: { zzzzz: graft(value, path) } })));
      }),
      { numRuns: 250 },
    );
  });

  it("any value in the place of the file, of its clusters or of one", () => {
    const path = fc.constantFrom([], ["Clusters"], ["Clusters", "zzzzz"], ["AutoReloadConfig"]);
    fc.assert(
      fc.property(path, anyValue, (place, value) => {
        expectAnswer(load(stringify(graft(value, place))));
      }),
      { numRuns: 200 },
    );
  });
});

it("names an entry whose key is empty", () => {
  expect(load('{"": 1, Clusters: {zzzzz: {}}}').findings).toContainEqual({
    severity: "warning",
    path: '""',
    message: 'deprecated or unknown config entry: ""',
  });
});

it.each(["[", "{a: ", "- ", "? "])("a file of nothing but %j, however long, is refused", (open) => {
  for (const depth of [50, 5_000]) {
    const result = load(`Clusters: ${open.repeat(depth)}`);
    expectAnswer(result);
    expect(result.config).toBeUndefined();
  }
  expectAnswer(load(`Clusters: {zzzzz: {Users: ${"[".repeat(5_000)}${"]".repeat(5_000)}}}`));
});

it("a config that was loaded is loaded again from its dump, to the same", () => {
  fc.assert(
    fc.property(fc.constantFrom(...KNOWN), anyValue, (path, value) => {
      const first = load(stringify({ Clusters: { zzzzz: graft(value, path) } }));
      if (!first.document) return;
      const again = load(dumpConfig(first.document, { secrets: "show" }));
      expect(again.config).toEqual(first.config);
    }),
    { numRuns: 200 },
  );
});

it("no finding shows what stands in the place of a secret", () => {
  const secret = fc.constantFrom(
    ["SystemRootToken"],
    ["ManagementToken"],
    ["Collections", "BlobSigningKey"],
    ["PostgreSQL", "Connection", "password"],
    ["Containers", "DispatchPrivateKey"],
    ["Containers", "CloudVMs", "DriverParameters", "SecretAccessKey"],
  );
  const wrapped = fc.oneof(
    fc.string({ maxLength: 4 }).map((text) => `${text}${SECRET}`),
    fc.constant([SECRET]),
    fc.constant({ inner: SECRET }),
  );
  fc.assert(
    fc.property(secret, wrapped, (path, value) => {
      const { findings } = load(
        stringify({ Clusters: { zzzzz: graft(value, path) as ConfigMap } }),
      );
      expect(JSON.stringify(findings)).not.toContain(SECRET);
    }),
    { numRuns: 100 },
  );
});
