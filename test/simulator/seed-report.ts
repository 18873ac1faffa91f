import { execFileSync } from "node:child_process";
import { FAULTS } from "../../src/simulator/faults.ts";
import type { FaultKind } from "../../src/simulator/faults.ts";
import { runSeed } from "../../src/simulator/seed-run.ts";
import type { SeedResult } from "../../src/simulator/seed-run.ts";
import { Trace } from "../../src/simulator/trace.ts";
import { memoryShelf } from "./memory-shelf.ts";

/** Of a trace: what its marks and columns mean. */
const HEAD_LINES = 3;
const LAST_EVENTS = 80;

export interface Outcome {
  readonly result: SeedResult | undefined;
  /** The first thing that went wrong; undefined when all is well. */
  readonly failure: { readonly name: string; readonly text: string } | undefined;
  /** The last journal's records. */
  readonly journal: string;
}

/** One seed. What the product throws is a failure of the seed, not of the run. */
export async function trySeed(
  seed: number,
  options: { without?: ReadonlySet<FaultKind>; trace?: Trace } = {},
): Promise<Outcome> {
  const shelf = memoryShelf();
  const { without, trace } = options;
  try {
    const result = await runSeed({
      seed,
      shelf,
      ...(without ? { without } : {}),
      ...(trace ? { onEvent: (event) => trace.add(event) } : {}),
    });
    return { result, failure: result.violations[0], journal: shelf.text() };
  } catch (error) {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { result: undefined, failure: { name: "thrown", text }, journal: shelf.text() };
  }
}

/** Everything that is needed to understand and to repeat a failure. */
export async function reportFailure(seed: number): Promise<string> {
  const { plan, without, outcome } = await shrink(seed);
  const trace = new Trace();
  const { result } = await trySeed(seed, { without, trace });
  const lines = trace.lines(result?.violations[0]?.atMs);
  const [head, events] = [lines.slice(0, HEAD_LINES), lines.slice(HEAD_LINES)];
  const left = events.length - LAST_EVENTS;
  const flag = without.size > 0 ? ` --without ${[...without].join(",")}` : "";
  const kinds = plan.map((kind) => {
    const count = outcome.result?.faults.get(kind) ?? 0;
    return `    ${kind} × ${count}: ${FAULTS[kind].text}`;
  });
  return [
    `seed ${seed} fails at commit ${commit()}: ${outcome.failure?.name}`,
    `  ${outcome.failure?.text}`,
    plan.length === 0 ? "  with no faults at all" : `  with these faults, each of which it needs:`,
    ...kinds,
    `  repeat: npm run sim -- --first ${seed} --seeds 1 --trace${flag}`,
    ...head,
    ...(left > 0 ? [`  (${left} events before these: the command above prints them)`] : []),
    ...events.slice(-LAST_EVENTS),
    `  here it fails: ${outcome.failure?.name}: ${outcome.failure?.text}`,
    "",
  ].join("\n");
}

/** Switches off one kind of fault after the other, and leaves it off as long as the seed fails the same way. */
async function shrink(
  seed: number,
): Promise<{ plan: FaultKind[]; without: ReadonlySet<FaultKind>; outcome: Outcome }> {
  let outcome = await trySeed(seed);
  const { failure } = outcome;
  const without = new Set<FaultKind>();
  const kinds = Object.keys(outcome.result?.plan ?? FAULTS) as FaultKind[];
  for (const kind of kinds) {
    without.add(kind);
    const tried = await trySeed(seed, { without });
    if (tried.failure?.name === failure?.name) outcome = tried;
    else without.delete(kind);
  }
  return { plan: kinds.filter((kind) => !without.has(kind)), without, outcome };
}

function commit(): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync("git", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
    const changed = git("status", "--porcelain", "--", "src") === "" ? "" : " with changes";
    return `${git("rev-parse", "--short", "HEAD")}${changed}`;
  } catch {
    return "unknown (no git here)";
  }
}
