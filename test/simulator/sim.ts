/** `npm run sim`: many seeds, on all cores. See docs/simulation.md. */
import { fork } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { FAULT_KINDS } from "../../src/simulator/faults.ts";
import type { FaultKind } from "../../src/simulator/faults.ts";
import { Trace } from "../../src/simulator/trace.ts";
import { reportFailure, trySeed } from "./seed-report.ts";

/** Further apart than a run takes seeds, so that no two days try the same. */
const SEEDS_A_DAY = 100_000;
const DAY_MS = 86_400_000;

const USAGE = `npm run sim -- [--seeds N] [--first K] [--jobs J] [--without KIND,…] [--trace] [--twice] [--stop]
  --seeds     how many seeds (default 200)
  --first     the first one (default 1); \`today\`: one that changes every day (UTC), ${SEEDS_A_DAY} after yesterday's
  --jobs      processes at once (default: one a core)
  --without   faults that are switched off: ${FAULT_KINDS.join(", ")}
  --trace     prints all that happens, a line an event and a column an actor
  --twice     runs every seed twice, and compares the journals
  --stop      ends at the first failure, with its name only`;

/** One takes a run for each kind of fault. */
const REPORTS_MAX = 3;

interface Told {
  readonly seed: number;
  readonly failure: string | undefined;
  readonly recordsCount: number;
  readonly simulatedMs: number;
}

function readArgs() {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "200" },
      first: { type: "string", default: "1" },
      jobs: { type: "string", default: String(availableParallelism()) },
      step: { type: "string", default: "1" },
      without: { type: "string", default: "" },
      trace: { type: "boolean", default: false },
      twice: { type: "boolean", default: false },
      stop: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const whole = (name: "seeds" | "first" | "jobs" | "step"): number => {
    const value = Number(values[name]);
    if (!Number.isSafeInteger(value) || value < 1)
      throw new Error(`--${name}: found ${values[name]}, expected a whole number from 1 on`);
    return value;
  };
  const first = values.first === "today" ? firstOfToday() : whole("first");
  const kinds = values.without.split(",").filter((kind) => kind !== "");
  for (const kind of kinds)
    if (!FAULT_KINDS.some((known) => known === kind))
      throw new Error(`--without: found ${kind}, expected one of ${FAULT_KINDS.join(", ")}`);
  return {
    ...values,
    seeds: whole("seeds"),
    first,
    jobs: whole("jobs"),
    step: whole("step"),
    without: new Set(kinds as FaultKind[]),
  };
}

function firstOfToday(): number {
  return Math.floor(Date.now() / DAY_MS) * SEEDS_A_DAY;
}

type Args = ReturnType<typeof readArgs>;

async function runOne(seed: number, { without, trace, twice }: Args): Promise<Told> {
  const traced = trace ? new Trace() : undefined;
  const { result, failure, journal } = await trySeed(seed, {
    without,
    ...(traced ? { trace: traced } : {}),
  });
  if (traced) process.stdout.write(`${traced.lines().join("\n")}\n`);
  const again = twice ? await trySeed(seed, { without }) : undefined;
  const differs = again !== undefined && again.journal !== journal;
  return {
    seed,
    failure: failure
      ? `${failure.name}: ${failure.text}`
      : differs
        ? "differs when run again"
        : undefined,
    recordsCount: result?.recordsCount ?? 0,
    simulatedMs: result?.simulatedMs ?? 0,
  };
}

/** As a process of its own: every `step`-th seed. */
async function runShare(args: Args): Promise<void> {
  for (let seed = args.first; seed < args.first + args.seeds; seed += args.step)
    process.send?.(await runOne(seed, args));
  process.disconnect?.();
}

async function runAll(args: Args): Promise<number> {
  const beganMs = performance.now();
  const last = args.first + args.seeds - 1;
  process.stdout.write(`seeds ${args.first} to ${last}\n`);
  const failed: number[] = [];
  let count = 0;
  let records = 0;
  let simulatedMs = 0;
  const take = (told: Told): void => {
    count++;
    records += told.recordsCount;
    simulatedMs += told.simulatedMs;
    if (told.failure !== undefined) {
      failed.push(told.seed);
      process.stdout.write(`seed ${told.seed} fails: ${told.failure.split("\n", 1)[0]}\n`);
    }
    if (count % 100 === 0) process.stdout.write(`${progress()}\n`);
  };
  const progress = (): string => {
    const seconds = (performance.now() - beganMs) / 1000;
    return (
      `${count}/${args.seeds} seeds, ${(count / seconds).toFixed(1)}/s, ${failed.length} failed, ` +
      `${records} records, ${Math.round(simulatedMs / 3_600_000)} simulated hours`
    );
  };
  if (args.jobs === 1 || args.seeds === 1 || args.trace)
    for (let seed = args.first; seed < args.first + args.seeds; seed++) {
      take(await runOne(seed, args));
      if (args.stop && failed.length > 0) break;
    }
  else await spread(args, take, () => args.stop && failed.length > 0);
  process.stdout.write(`${progress()}\n`);
  if (!args.stop && args.without.size === 0)
    for (const seed of failed.slice(0, REPORTS_MAX))
      process.stdout.write(`\n${await reportFailure(seed)}`);
  if (failed.length > REPORTS_MAX)
    process.stdout.write(
      `\nfor a report of one of the other seeds: npm run sim -- --seeds 1 --first ${failed[REPORTS_MAX]}\n`,
    );
  const skipped = args.seeds - count;
  process.stdout.write(
    `${count - failed.length} passed, ${failed.length} failed, ${skipped} skipped\n`,
  );
  return failed.length > 0 ? 1 : 0;
}

async function spread(args: Args, take: (told: Told) => void, over: () => boolean): Promise<void> {
  const jobs = Array.from({ length: args.jobs }, (_, at) => {
    const share = ["--first", args.first + at, "--seeds", args.seeds - at, "--step", args.jobs];
    const flags = [
      ...(args.twice ? ["--twice"] : []),
      ...(args.without.size > 0 ? ["--without", [...args.without].join(",")] : []),
    ];
    const child = fork(fileURLToPath(import.meta.url), [...share.map(String), ...flags]);
    return new Promise<void>((resolve, reject) => {
      child.on("message", (told) => {
        take(told as Told);
        if (over()) child.kill();
      });
      child.on("exit", (code) =>
        code === 0 || over()
          ? resolve()
          : reject(new Error(`a simulating process ended with ${code}`)),
      );
    });
  });
  await Promise.all(jobs);
}

try {
  const args = readArgs();
  if (args.help) process.stdout.write(`${USAGE}\n`);
  else if (process.send) await runShare(args);
  else process.exitCode = await runAll(args);
} catch (error) {
  process.stderr.write(
    `sim: ${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`,
  );
  process.exitCode = 2;
}
