import { readFileSync, writeFileSync } from "node:fs";
import { isMap, readDocument } from "../../config/document.ts";
import { openForgetfulJournal } from "../../drivers/journal/forgetful.ts";
import type { Workload } from "../../simulator/workload.ts";
import { simulateWorkload, type WhatIfProgress } from "../../simulator/what-if.ts";
import { formatSpan } from "../../machines/model/amounts.ts";
import { findConfig } from "../cluster-config.ts";
import { defineCommand, JSON_FLAG, usageError } from "../command.ts";
import { EXIT, UsageError } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { JOURNAL_NOTE, journalPath } from "../journal-path.ts";
import { readRecording, type Recording } from "../simulate/recording.ts";
import { reportHtml } from "../simulate/report-html.ts";
import { reportText, resultJson } from "../simulate/report-text.ts";
import { recordedCluster } from "../simulate/recorded-cluster.ts";
import type { Result } from "../simulate/result.ts";
import { makeVariants, type BaseConfig, type Variant } from "../simulate/variants.ts";
import { readWorkload, workloadOfFlags } from "../simulate/workload-file.ts";

const PROGRESS_EVERY_MS = 3_000;

export const simulateCommand = defineCommand({
  name: "simulate",
  summary:
    "Runs the daemon's very code on a virtual clock, against a simulated cloud, and prints what would have happened.",
  flags: {
    from: {
      type: "string",
      value: "JOURNAL",
      help: "Take arrivals, durations, boot times and the cloud's errors from this journal",
    },
    generate: {
      type: "string",
      multiple: true,
      value: "KEY=VALUE",
      help: "Generate a workload: per_hour, for, duration (or duration.p50, duration.p95), vcpus, ram, season.period, season.amplitude, boot_time",
    },
    config: {
      type: "string",
      multiple: true,
      value: "FILE",
      help: "The config; given more than once, each is a variant beside the first",
    },
    set: {
      type: "string",
      multiple: true,
      value: "PATH=VALUE",
      help: "A variant with this key changed, such as Containers.CloudVMs.TimeoutIdle=5m; a path given twice makes two variants",
    },
    seed: { type: "string", value: "N", help: "Seed of all that is drawn (default 1)" },
    json: JSON_FLAG,
    html: { type: "string", value: "FILE", help: "Write a report with plots there" },
  },
  args: { usage: "[WORKLOAD|-]", min: 0, max: 1 },
  notes: [
    "WORKLOAD is YAML or JSON: containers (count, at, every, duration, vcpus, ram, …), or generate; see docs/simulation.md. " +
      "Exactly one of WORKLOAD, --generate and --from is needed.",
    `${JOURNAL_NOTE} It is opened for reading only. Its own config is the first variant: everything is decided anew over ` +
      "what was recorded, and must come out as recorded. What is changed by --set or --config is simulated.",
    "Long runs tell on standard error how far they are.",
    "No cloud is called, no container is run, no dispatcher is asked.",
  ],
  exitCodes: {
    [EXIT.failed]: "a file cannot be read, or the journal is damaged",
    [EXIT.usage]: "wrong usage, a bad workload or a bad config; the message names the path in it",
  },
  examples: [
    "dispatch-cloud simulate --generate per_hour=100 --generate duration=5m --config config/standalone.yml",
    "dispatch-cloud simulate --from journal.db --set Containers.CloudVMs.TimeoutIdle=1m --set Containers.CloudVMs.TimeoutIdle=10m --html report.html",
  ],
  async run({ flags, args, io }) {
    const seed = readSeed(flags.seed);
    const given = [args[0], flags.from, flags.generate[0]].filter((each) => each !== undefined);
    if (given.length !== 1)
      throw usageError(simulateCommand, "expected one of WORKLOAD, --generate and --from");
    const recording =
      flags.from === undefined
        ? undefined
        : await readRecording(journalPath(flags.from), () => io.nowMs());
    const workload =
      recording?.workload ?? (await workloadFrom(args[0], flags.generate, { seed, io }));
    const variants = await variantsOf({ configs: flags.config, sets: flags.set, recording, io });
    if (flags.html !== undefined) writeReport(flags.html, []);
    const results: Result[] = recording ? [recorded(recording, io)] : [];
    for (const variant of variants)
      results.push(await simulateOne(variant, { workload, seed, io }));
    if (flags.json) for (const result of results) io.out(`${JSON.stringify(resultJson(result))}\n`);
    else io.out(reportText(results));
    for (const { name, drained } of results)
      if (!drained) io.err(`${name}: containers or instances were left at the end\n`);
    if (flags.html !== undefined) writeReport(flags.html, results);
    return EXIT.ok;
  },
});

function readSeed(text = "1"): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usageError(simulateCommand, `--seed: found ${text}, expected a whole number`);
}

async function workloadFrom(
  path: string | undefined,
  generate: readonly string[],
  { seed, io }: { seed: number; io: Io },
): Promise<Workload> {
  if (path === undefined) return workloadOfFlags(generate, seed);
  const text = path === "-" ? await io.readStdin() : readFile(path);
  return readWorkload(text, path === "-" ? "standard input" : path, seed);
}

async function variantsOf(options: {
  configs: readonly string[];
  sets: readonly string[];
  recording: Recording | undefined;
  io: Io;
}): Promise<Variant[]> {
  const { configs, sets, recording, io } = options;
  const [first, ...others] = configs;
  if (recording && first === undefined)
    return makeVariants(recordedCluster(recording, "as recorded, simulated"), {
      sets,
      others: [],
      recorded: recording,
    });
  return makeVariants(await readBase(first, io), {
    sets,
    others: await Promise.all(others.map((path) => readBase(path, io))),
  });
}

async function readBase(flag: string | undefined, io: Io): Promise<BaseConfig> {
  const path = findConfig(flag, io);
  const text = path === "-" ? await io.readStdin() : readFile(path);
  const { root, findings } = readDocument(text, path);
  const clusters = root?.["Clusters"];
  const [clusterId] = isMap(clusters) ? Object.keys(clusters) : [];
  const cluster = isMap(clusters) && clusterId !== undefined ? clusters[clusterId] : undefined;
  if (clusterId === undefined || !isMap(cluster))
    throw new UsageError(`${path}: ${findings[0]?.message ?? "expected a map at Clusters.<id>"}`);
  return { name: path, clusterId, cluster };
}

/** What was recorded, with what this code makes of it. */
function recorded({ summary, difference, recordsCount }: Recording, io: Io): Result {
  if (difference)
    io.err(
      `${recordsCount} records are decided as recorded; at seq ${difference.seq} this version decides otherwise ` +
        "(see replay): what comes after is left out of the recorded column and of the workload\n",
    );
  return { name: "recorded", how: "recorded", summary, drained: true };
}

async function simulateOne(
  { name, config }: Variant,
  { workload, seed, io }: { workload: Workload; seed: number; io: Io },
): Promise<Result> {
  const openJournal = () => openForgetfulJournal("simulated");
  const onProgress = progressOf(name, io);
  const given = { config, workload, seed, openJournal, onProgress };
  const { summary, drained } = await simulateWorkload(given);
  return { name, how: "simulated", summary, drained };
}

/** A line now and then, so that nobody takes a long run for one that hangs. */
function progressOf(name: string, io: Io): (progress: WhatIfProgress) => void {
  let toldAtMs = io.nowMs();
  return ({ simulatedMs, endedCount, containersCount }) => {
    if (io.nowMs() < toldAtMs + PROGRESS_EVERY_MS) return;
    toldAtMs = io.nowMs();
    io.err(
      `${name}: ${formatSpan(simulatedMs)} simulated, ${endedCount} of ${containersCount} containers ended\n`,
    );
  };
}

/** Before anything is simulated, too: a report that cannot be written is found out at once. */
function writeReport(path: string, results: readonly Result[]): void {
  try {
    writeFileSync(path, reportHtml(results, "What would have happened"));
  } catch (error) {
    throw new UsageError(`cannot write ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}
