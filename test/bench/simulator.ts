import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { cpuMs, type BenchOptions, type Figure } from "./figure.ts";

/** About as many VMs each, a thousand at the most: a container takes one of its own. */
const DAYS = [
  { containers: 1_000, duration: { p50: "100m", p95: "4h" } },
  { containers: 10_000, duration: { p50: "100m", p95: "4h" }, limit: 60 },
  { containers: 100_000, duration: { p50: "10m", p95: "24m" } },
] as const;
type Day = (typeof DAYS)[number];

const CONFIG = {
  Clusters: {
    bench: {
      InstanceTypes: {
        small: { VCPUs: 1, RAM: "4GiB", IncludedScratch: "50GiB", Price: 0.05 },
      },
      Containers: {
        CloudVMs: {
          Enable: true,
          Driver: "loopback",
          DriverParameters: { MaxInstances: 1_000 },
          MaxInstances: 1_000,
          MaxConcurrentInstanceCreateOps: 20,
        },
      },
    },
  },
};

const SEEDS = 30;
const QUICK_SEEDS = 8;
/** A day that takes longer is given up. */
const PATIENCE_MS = 20 * 60_000;

/** `dispatch-cloud simulate` as a process of its own, over days of more and more containers; and `npm run sim`. */
export async function run(options: BenchOptions): Promise<Figure[]> {
  const folder = await mkdtemp(join(tmpdir(), "simulator-bench-"));
  try {
    const config = join(folder, "config.json");
    await writeFile(config, JSON.stringify(CONFIG));
    const figures: Figure[] = [];
    for (const day of options.quick ? DAYS.slice(0, 1) : DAYS)
      figures.push(...(await dayFigures(day, config)));
    return [...figures, await seedsFigure(options)];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function dayFigures(day: Day, config: string): Promise<Figure[]> {
  const { containers, duration } = day;
  const simulate = ["simulate", "--json", "--config", config];
  const generate = [
    `per_hour=${containers / 24}`,
    "for=24h",
    `duration.p50=${duration.p50}`,
    `duration.p95=${duration.p95}`,
  ].flatMap((each) => ["--generate", each]);
  const { output, cpuSeconds, memoryMb } = await measured("dist/cli/main.js", [
    ...simulate,
    ...generate,
  ]);
  const result = JSON.parse(output) as { drained: boolean; instances_max: number };
  if (!result.drained) throw new Error(`a day of ${containers} containers came to no end`);
  const name = `simulator: a day of ${containers.toLocaleString("en")} containers`;
  const limit = "limit" in day ? { limit: day.limit } : {};
  return [
    { name: `${name}, CPU time`, value: cpuSeconds, unit: "s", ...limit },
    { name: `${name}, workers at once`, value: result.instances_max, unit: "workers" },
    { name: `${name}, memory at the most`, value: memoryMb, unit: "MB" },
  ];
}

async function seedsFigure({ quick }: BenchOptions): Promise<Figure> {
  const seeds = quick ? QUICK_SEEDS : SEEDS;
  const flags = ["--seeds", String(seeds), "--jobs", "1"];
  const { cpuSeconds } = await measured("test/simulator/sim.ts", flags);
  const unit = "seeds/s";
  return { name: "simulator: npm run sim, a core", value: seeds / cpuSeconds, unit };
}

const PROGRAM_VARIABLE = "SIMULATOR_BENCH_PROGRAM";

/** What a program of this folder printed, and what it took. */
async function measured(
  program: string,
  args: readonly string[],
): Promise<{ output: string; cpuSeconds: number; memoryMb: number }> {
  const root = new URL("../../", import.meta.url);
  const path = new URL(program, root).href;
  const child = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(import.meta.url), ...args],
    {
      cwd: fileURLToPath(root),
      env: { ...process.env, [PROGRAM_VARIABLE]: path },
      stdio: ["ignore", "pipe", "inherit", "pipe"],
      timeout: PATIENCE_MS,
    },
  );
  const exit = once(child, "exit");
  const [, stdout, , usageOut] = child.stdio as unknown as [null, Readable, null, Readable];
  const [output, usage] = await Promise.all([text(stdout), text(usageOut)]);
  const [code] = (await exit) as [number | null];
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}`);
  return { output, ...(JSON.parse(usage) as { cpuSeconds: number; memoryMb: number }) };
}

const program = process.env[PROGRAM_VARIABLE];
if (program !== undefined) {
  delete process.env[PROGRAM_VARIABLE];
  process.once("exit", () => {
    const memoryMb = process.resourceUsage().maxRSS / 1_024;
    writeSync(3, JSON.stringify({ cpuSeconds: cpuMs() / 1_000, memoryMb }));
  });
  await import(program);
}
