import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { parse } from "yaml";
import { loadSecrets } from "../../src/cli/daemon/secrets.ts";
import { parseByteSize } from "../../src/config/byte-size.ts";
import { formatDuration, parseDuration } from "../../src/config/duration.ts";
import { instanceSetId } from "../../src/config/instance-set-id.ts";
import { loadConfig } from "../../src/config/load.ts";
import { readScenarios } from "../support/scenarios.ts";

interface Scenario {
  readonly id: string;
  readonly when: string;
  readonly given: Record<string, unknown>;
  readonly then: Record<string, unknown>;
}

const hasSshKeygen = spawnSync("ssh-keygen", ["-?"]).error === undefined;
const host = { cpus: 2, ramBytes: 4e9, tmpBytes: 1e10 };

function load(cluster: unknown, id = "zzzzz") {
  const text =
    typeof cluster === "string" ? cluster : JSON.stringify({ Clusters: { [id]: cluster } });
  return loadConfig(text, { env: {}, sourceName: "test", host });
}

function errorsOf(cluster: unknown, id?: string): string[] {
  return load(cluster, id)
    .findings.filter((finding) => finding.severity === "error")
    .map((finding) => finding.message);
}

/** `a.*.b` → {a: {x: {b: leaf}}} */
function nest(path: string, leaf: unknown): unknown {
  return path
    .split(".")
    .reduceRight((inner, key) => ({ [key === "*" ? "http://x/" : key]: inner }), leaf);
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- each case has its own shape
type Asserted = Record<string, any>;
type Run = (scenario: Scenario, asserted: Asserted) => void;

const RUNS: [RegExp, Run][] = [
  [
    /^arv\.config\.bytesize\.ok/,
    ({ given, then }) => {
      const value = parse(given["yaml"] as string) as string | number;
      expect(BigInt(parseByteSize(value)).toString()).toBe(then["asserted"]);
    },
  ],
  [
    /^arv\.config\.bytesize\.bad/,
    ({ given }) => {
      expect(() => parseByteSize(parse(given["yaml"] as string) as string)).toThrow(RangeError);
    },
  ],
  [
    /^arv\.config\.duration\.\d/,
    ({ given }, asserted) => {
      const value = JSON.parse(given["json"] as string) as string | number;
      if ("error" in asserted)
        expect(() => parseDuration(value)).toThrow(asserted["error"] as string);
      else expect(parseDuration(value)).toBe(asserted["milliseconds"]);
    },
  ],
  [
    /^arv\.config\.duration\.print/,
    ({ given, then }) => {
      expect(formatDuration(Number(given["seconds"]) * 1000)).toBe(then["asserted"]);
    },
  ],
  [
    /^arv\.config\.empty/,
    ({ given }, asserted) => {
      expect(errorsOf(given["yaml"]).join("\n")).toContain(asserted["error"]);
    },
  ],
  [
    /^arv\.config\.null_key/,
    ({ given }, asserted) => {
      expect(load(given["yaml"]).config?.api).toMatchObject({
        maxRequestAmplification: asserted["API"].MaxRequestAmplification,
        maxItemsPerResponse: asserted["API"].MaxItemsPerResponse,
      });
    },
  ],
  [
    /^arv\.config\.unknown_keys/,
    ({ given }, asserted) => {
      const warnings = (given["keys"] as string[]).flatMap((key) =>
        load(nest(key, {}))
          .findings.map((finding) => finding.message)
          .filter((message) => message.startsWith("deprecated or unknown config entry: ")),
      );
      expect(warnings).toHaveLength(asserted["warnings"] as number);
      expect(warnings.find((text) => text.includes("RunTimeEngine"))).toContain(
        asserted["hint_for_RunTimeEngine"],
      );
    },
  ],
  [
    /^arv\.config\.bad_token/,
    ({ given }, asserted) => {
      const [[path = "", token] = []] = Object.entries(given);
      const errors = errorsOf(nest(path, token));
      expect(errors).toEqual([expect.stringMatching(asserted["error_regex"] as string)]);
      expect(errors.join()).not.toContain(token);
    },
  ],
  [
    /^arv\.config\.pg_key_conflict/,
    ({ given }, asserted) => {
      expect(errorsOf({ PostgreSQL: given })).toContainEqual(
        expect.stringMatching(asserted["error_regex"] as string),
      );
    },
  ],
  [
    /^arv\.config\.bad_cluster_id/,
    ({ given }, asserted) => {
      const [, remote, id = ""] = /^(remote )?cluster id (.*)$/.exec(String(given["bad"])) ?? [];
      const errors = remote ? errorsOf({ RemoteClusters: { [id]: {} } }) : errorsOf({}, id);
      expect(errors).toEqual([expect.stringContaining(asserted["error_contains"] as string)]);
    },
  ],
  [
    /^arv\.config\.bad_type/,
    ({ given }, asserted) => {
      const [path = "", value = ""] = String(given["value"]).split(": ");
      expect(errorsOf(nest(path, parse(value)))).toEqual([
        expect.stringMatching(asserted["error_regex"] as string),
      ]);
    },
  ],
  [
    /^arv\.config\.loopback_types/,
    ({ given }, asserted) => {
      const types = load({
        Containers: { CloudVMs: given["CloudVMs"] },
        InstanceTypes: given["InstanceTypes"],
      }).config?.instanceTypes;
      expect(Object.keys(types ?? {})).toEqual(asserted["InstanceTypes"]);
      expect(Object.values(types ?? {})[0]?.vcpus).toBe(asserted["VCPUs"]);
    },
  ],
  [
    /^arv\.config\.preemptible_factor/,
    ({ given }, asserted) => {
      const types =
        load({
          Containers: { PreemptiblePriceFactor: given["PreemptiblePriceFactor"] },
          InstanceTypes: given["InstanceTypes"],
        }).config?.instanceTypes ?? {};
      expect(Object.keys(types)).toEqual(asserted["names"]);
      if (asserted["price"]) expect(types["Type1"]?.price).toBe(asserted["price"]);
      for (const name of asserted["names"] as string[]) {
        const wanted = asserted[name] as Record<string, unknown> | undefined;
        if (!wanted) continue;
        const { preemptible, price, providerType } = types[name] ?? {};
        expect({
          Preemptible: preemptible,
          Price: price,
          ProviderType: providerType,
        }).toMatchObject(wanted);
      }
    },
  ],
  [
    /^arv\.config\.ssh_key/,
    ({ given }) => {
      const folder = mkdtempSync(join(tmpdir(), "ssh-key-"));
      onTestFinished(() => rmSync(folder, { recursive: true }));
      const path = join(folder, "key");
      const [, type = "", form = ""] = /-t (\w+) -m (\w+)$/.exec(String(given["command"])) ?? [];
      execFileSync("ssh-keygen", ["-q", "-N", "", "-t", type, "-m", form, "-f", path]);
      for (const key of [readFileSync(path, "utf8"), `file://${path}`]) {
        const { config } = load({ Containers: { DispatchPrivateKey: key } });
        if (!config) throw new Error("no config");
        const { publicKey } = loadSecrets(config, folder);
        expect(readFileSync(`${path}.pub`, "utf8")).toContain(publicKey);
      }
    },
  ],
  [
    /^drv\.instance_set_id/,
    ({ given, then }) => {
      expect(instanceSetId(given["token"] as string)).toBe(then["id"]);
    },
  ],
];

describe.each(["config", "dispatcher.init"])("scenarios of %s", (name) => {
  for (const scenario of readScenarios<Scenario>(name)) {
    it(`${scenario.id}: ${scenario.when}`, (context) => {
      if (/ssh_key/.test(scenario.id) && !hasSshKeygen)
        return context.skip("ssh-keygen is not installed");
      const run = RUNS.find(([id]) => id.test(scenario.id))?.[1];
      if (!run) throw new Error(`nobody runs ${scenario.id}, and no reason is given`);
      run(scenario, scenario.then["asserted"] ?? {});
    });
  }
});
