import { fork } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { DaemonBox } from "../support/daemon-box.ts";
import { ATTACKS } from "./attacks.ts";
import { Checks, numberFlag } from "./checks.ts";

/**
 * `npm run soak -- [--minutes N]`: strangers attack the HTTP side of a real daemon, over loopback only, while it runs
 * containers. At the end each container has run once and its end is known, no turn is missing, memory has not grown, and
 * who has a token was answered in time all along.
 */
const SUBMIT_EVERY_MS = 3_000;
const SAMPLE_EVERY_MS = 1_000;
const P99_MAX_MS = 100;
const GROWTH_MAX = 1.3;
const REQUEST_MS = 30_000;

const minutes = numberFlag("minutes", 20);
const checks = new Checks();
const box = new DaemonBox({ config: { SystemLogs: { LogLevel: "warn" } } });
const ranPath = join(box.dir, "ran");
/** Containers by the number that their command notes; one whose submission had no answer is missing. */
const submitted = new Map<number, string>();
const latenciesMs: number[] = [];
const rssKb: number[] = [];
const attacksDone = new Map<string, number>();
const errors: string[] = [];
let asked = 0;
let isOver = false;

try {
  await box.start();
  const { managementToken } = box.tokens();
  const port = Number(new URL(box.url).port);
  const attacker = fork(fileURLToPath(new URL("./attacker.ts", import.meta.url)), {
    execArgv: ["--import", "tsx"],
    env: { ...process.env, SOAK_PORT: String(port), SOAK_TOKEN: managementToken },
  });
  attacker.on("message", (name: string) => {
    attacksDone.set(name, (attacksDone.get(name) ?? 0) + 1);
  });
  attacker.on("exit", () => {
    if (!isOver) errors.push("the attacker has ended");
  });
  const loops = [repeat(SUBMIT_EVERY_MS, submit), repeat(SAMPLE_EVERY_MS, sample)];
  for (let minute = 0; minute < minutes; minute++) {
    await delay(Math.min(1, minutes - minute) * 60_000);
    console.log(
      `minute ${minute + 1}: ${submitted.size} containers, p99 ${quantile(0.99)} ms, ` +
        `${Math.round((rssKb.at(-1) ?? 0) / 1024)} MiB`,
    );
  }
  isOver = true;
  attacker.disconnect();
  await Promise.all(loops);
  await judge();
} finally {
  isOver = true;
  await box.close();
}
checks.end();

async function repeat(pauseMs: number, step: () => Promise<void>): Promise<void> {
  while (!isOver) {
    await step().catch((error: unknown) => errors.push(String(error)));
    await delay(pauseMs);
  }
}

/** A container that notes that it ran, and ends with an exit code of its own; by HTTP, as a client would. */
async function submit(): Promise<void> {
  const n = asked++;
  const script = `echo ${n} >> ${ranPath}; sleep 1; exit ${n % 3}`;
  const made = await timed<{ container_uuid: string }>("POST", "/arvados/v1/container_requests", {
    container_request: {
      command: ["sh", "-c", script],
      runtime_constraints: { vcpus: 1, ram: 64 * 1024 * 1024 },
      priority: 500,
      state: "Committed",
    },
  });
  submitted.set(n, made.container_uuid);
}

async function sample(): Promise<void> {
  const startedAtMs = performance.now();
  await timed("GET", "/dispatch/v1/status");
  latenciesMs.push(performance.now() - startedAtMs);
  const line = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${box.pid}/status`, "utf8"));
  rssKb.push(Number(line?.[1] ?? 0));
}

async function timed<T>(method: string, path: string, body?: unknown): Promise<T> {
  const limit = delay(REQUEST_MS).then(() => Promise.reject(new Error(`${path}: no answer`)));
  return Promise.race([box.api<T>(method, path, body), limit]);
}

async function judge(): Promise<void> {
  await box
    .until("every container has ended", 180_000, async () => {
      for (const uuid of submitted.values())
        if (!["Complete", "Cancelled"].includes((await box.container(uuid)).state)) return false;
      return true;
    })
    .catch((error: unknown) => errors.push(String(error)));
  const wrong: string[] = [];
  for (const [n, uuid] of submitted) {
    const { state, exit_code } = await box.container(uuid);
    if (state !== "Complete" || exit_code !== n % 3) wrong.push(`${n}: ${state} ${exit_code}`);
  }
  const ran = existsSync(ranPath) ? readFileSync(ranPath, "utf8").trim().split("\n") : [];
  const metrics = await (await box.http("GET", "/metrics")).text();
  const held = [
    ...metrics.matchAll(/^arvados_concurrent_requests\{queue="(?!own)(\w+)"\} (\d+)$/gm),
  ];
  const listed = await box.api<unknown[]>("GET", "/_inspect/requests").catch(() => []);
  console.log("\nattacks");
  for (const [name, count] of attacksDone) console.log(`  ${String(count).padStart(6)}  ${name}`);
  console.log(
    `requests of a client with a token: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms\n`,
  );
  checks.that("every attack was made", attacksDone.size === Object.keys(ATTACKS).length);
  checks.that(
    "containers were submitted all the time",
    submitted.size >= minutes * 5,
    submitted.size,
  );
  checks.that(
    "each ended, with the exit code of its command",
    wrong.length === 0,
    wrong.slice(0, 5).join("; "),
  );
  const runs = new Map<string, number>();
  for (const line of ran) runs.set(line, (runs.get(line) ?? 0) + 1);
  checks.that(
    "each ran once",
    [...submitted.keys()].every((n) => runs.get(String(n)) === 1) &&
      [...runs.values()].every((count) => count === 1),
    `${ran.length} runs`,
  );
  checks.that(
    "no turn is missing",
    held.length > 0 && held.every(([, , count]) => count === "0"),
    held.map(([, queue, count]) => `${queue} ${count}`).join(", "),
  );
  checks.that("no request is left in the list", listed.length <= 1, listed.length);
  checks.that(
    `p99 of the status is below ${P99_MAX_MS} ms`,
    quantile(0.99) < P99_MAX_MS,
    quantile(0.99),
  );
  const third = Math.floor(rssKb.length / 3);
  const [before, after] = [median(rssKb.slice(0, third)), median(rssKb.slice(-third))];
  checks.that(
    "memory is level",
    before > 0 && after < before * GROWTH_MAX + 32 * 1024,
    `${Math.round(before / 1024)} MiB, then ${Math.round(after / 1024)} MiB`,
  );
  checks.that(
    "no request of a client with a token failed",
    errors.length === 0,
    errors.slice(0, 3).join("; "),
  );
  checks.that(
    "health is OK",
    (await (await box.http("GET", "/_health/ping")).text()).includes('"OK"'),
  );
}

/** In whole ms; 0 without a sample. */
function quantile(share: number): number {
  const sorted = [...latenciesMs].sort((a, b) => a - b);
  return Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
