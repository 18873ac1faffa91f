import type { ContainerRecord, Failure } from "../machines/model/fact.ts";
import type { Chance } from "./chance.ts";
import { chanceFor } from "./chance.ts";

/** What arrives, as a user or a journal has it. Instants count from the workload's start. */
export interface Workload {
  readonly jobs: readonly Job[];
  /** Times from a VM's creation to its first good probe, one of which each VM gets. */
  readonly bootTimesMs: readonly number[];
  /** How long a create call takes. */
  readonly createTimesMs: readonly number[];
  readonly errors: readonly CloudErrorWindow[];
}

export interface Job {
  readonly containerId: string;
  readonly submitAtMs: number;
  readonly durationMs: number;
  readonly record: ContainerRecord;
  /** When its user gave it up. */
  readonly cancelAtMs?: number;
}

/** For a while the cloud said no. */
export interface CloudErrorWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly failure: Failure;
  /** Name of the type that it concerned; all of them for a quota. */
  readonly instanceType: string;
  /** Of a quota: with as many instances or more. */
  readonly instancesCount: number;
}

export interface GeneratorOptions {
  readonly forMs: number;
  readonly perHour: number;
  /** Spans in ms: half of the containers run for less than `p50`, one in twenty for more than `p95`. */
  readonly duration: { readonly p50Ms: number; readonly p95Ms: number };
  /** The rate swings by this share (0 to 1), once a period, highest in its middle. */
  readonly season: { readonly periodMs: number; readonly amplitude: number };
  readonly sizes: readonly JobSize[];
  readonly bootTime: { readonly leastMs: number; readonly mostMs: number };
}

export interface JobSize {
  /** How often it comes, compared with the others. */
  readonly weight: number;
  readonly vcpus: number;
  /** Bytes. */
  readonly ram: number;
  readonly scratch: number;
  readonly preemptible: boolean;
  readonly priority: number;
}

const HOUR_MS = 3_600_000;
/** Of the standard normal distribution at 95 %. */
const Z95 = 1.644854;

/** The same for the same seed: Poisson arrivals with a season, log-normal durations, sizes by weight. */
export function generateWorkload(options: GeneratorOptions, seed: number): Workload {
  const chance = chanceFor(seed, "workload");
  const { forMs, perHour, season } = options;
  const jobs: Job[] = [];
  const peak = (perHour * (1 + season.amplitude)) / HOUR_MS;
  for (let atMs = 0; ;) {
    atMs += -Math.log(1 - chance.next()) / peak;
    if (!(atMs < forMs)) break;
    const swing = 1 - season.amplitude * Math.cos((2 * Math.PI * atMs) / season.periodMs);
    // Thinning: what exceeds the rate of this hour is left out.
    if (!chance.happens(swing / (1 + season.amplitude))) continue;
    jobs.push(drawJob(chance, options, { n: jobs.length + 1, atMs }));
  }
  const { leastMs, mostMs } = options.bootTime;
  const bootTimesMs = Array.from({ length: 100 }, () => chance.between(leastMs, mostMs));
  return { jobs, bootTimesMs, createTimesMs: [1_000], errors: [] };
}

function drawJob(
  chance: Chance,
  { duration, sizes }: GeneratorOptions,
  { n, atMs }: { n: number; atMs: number },
): Job {
  const { p50Ms, p95Ms } = duration;
  const sigma = Math.log(p95Ms / p50Ms) / Z95;
  const durationMs = Math.max(1, Math.round(p50Ms * Math.exp(sigma * normal(chance))));
  const size = drawSize(chance, sizes);
  return { ...jobOf(n, size), submitAtMs: Math.round(atMs), durationMs };
}

export function jobOf(n: number, size: JobSize): Pick<Job, "containerId" | "record"> {
  return {
    containerId: `zzzzz-dz642-${n.toString(36).padStart(15, "0")}`,
    record: {
      state: "Queued",
      priority: String(size.priority),
      createdAtMs: 0,
      supervisor: false,
      preemptible: size.preemptible,
      containerImage: "",
      vcpus: size.vcpus,
      ram: size.ram,
      keepCacheRam: 0,
      keepCacheDisk: 0,
      tmpMounts: size.scratch,
      gpu: null,
    },
  };
}

function drawSize(chance: Chance, sizes: readonly JobSize[]): JobSize {
  const [first, ...others] = sizes;
  if (!first) throw new Error("sizes: found none, expected at least one");
  const total = sizes.reduce((sum, { weight }) => sum + weight, 0);
  let left = chance.next() * total - first.weight;
  let drawn = first;
  for (const size of others) {
    if (left < 0) break;
    drawn = size;
    left -= size.weight;
  }
  return drawn;
}

/** Box and Muller's. */
function normal(chance: Chance): number {
  const radius = Math.sqrt(-2 * Math.log(1 - chance.next()));
  return radius * Math.cos(2 * Math.PI * chance.next());
}
