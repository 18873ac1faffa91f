import { formatSpan } from "../../machines/model/amounts.ts";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { requireClusterConfig } from "../cluster-config.ts";
import { defineCommand } from "../command.ts";
import { makeConnection, type Connection } from "../connection.ts";
import { DEMO_BATCH, type DemoJob } from "../demo/batch.ts";
import { cleanUp } from "../demo/cleanup.ts";
import { startDaemon, type DaemonProcess } from "../demo/daemon-process.ts";
import { demoConfig } from "../demo/demo-config.ts";
import { Progress } from "../demo/progress.ts";
import { faultsOf, readSummary, reportOf, type DemoContainer } from "../demo/report.ts";
import { getStatus, requestStop } from "../dispatch-api.ts";
import { CliError, EXIT } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { cancelRequest, isEnded, listContainers, submitRequest } from "../queue-api.ts";

const TIMEOUT_MS = 120_000;
const LOOK_MS = 250;
const STOP_TIMEOUT_MS = 15_000;

export const demoCommand = defineCommand({
  name: "demo",
  summary: "Starts a dispatcher of its own, runs a batch of real commands on it, and sums up.",
  flags: {
    keep: {
      type: "boolean",
      help: "Stay up afterwards, to try the other commands; Ctrl-C ends it",
    },
    "data-dir": {
      type: "string",
      value: "DIR",
      help: "Keep journal and logs there; it must be new or empty. Default: a temporary folder, removed at the end",
    },
  },
  notes: [
    "Its queue is embedded, its workers are processes of this machine: no cluster, no cloud account. It takes less than " +
      "a minute. Whatever happens, Ctrl-C included, no dispatcher, worker or command is left running.",
  ],
  exitCodes: { [EXIT.failed]: "something was not as it should be; standard error says what" },
  examples: ["npm run demo", "npm run demo -- --keep", "dispatch-cloud demo --data-dir /tmp/demo"],
  async run({ flags, io }) {
    const interrupted = io.interrupts();
    const { dataDir, isTemporary } = prepareDataDir(flags["data-dir"], io);
    const configPath = join(dataDir, "demo.yml");
    writeFileSync(configPath, demoConfig(dataDir), { mode: 0o600 });
    const daemon = startDaemon(configPath, dataDir, io.env);
    const demo: Demo = { daemon, dataDir, configPath, io, interrupted };
    const faults: string[] = [];
    try {
      faults.push(...(await runDemo(demo, flags.keep)));
    } catch (error) {
      if (!interrupted.aborted && !(error instanceof CliError)) throw error;
      if (!interrupted.aborted) faults.push((error as Error).message);
    } finally {
      const forced = await cleanUp(daemon, dataDir, demo.connection);
      if (forced.length > 0 && !interrupted.aborted) faults.push(...forced);
      const failed = faults.length > 0;
      if (failed)
        io.err(`${faults.join("\n")}\n\nthe dispatcher's last words:\n${daemon.logTail()}\n`);
      if (isTemporary) rmSync(dataDir, { recursive: true, force: true });
    }
    if (interrupted.aborted) io.err("interrupted; nothing is left running\n");
    return faults.length > 0 || (interrupted.aborted && !flags.keep) ? EXIT.failed : EXIT.ok;
  },
});

interface Demo {
  readonly daemon: DaemonProcess;
  readonly dataDir: string;
  readonly configPath: string;
  readonly io: Io;
  readonly interrupted: AbortSignal;
  connection?: Connection;
}

/** Returns what was not as it should be. */
async function runDemo(demo: Demo, keep: boolean): Promise<string[]> {
  const { daemon, dataDir, io, interrupted } = demo;
  const startedAtMs = io.nowMs();
  io.out(`starting a dispatcher on ${dataDir}\n`);
  await daemon.ready(interrupted);
  const config = await requireClusterConfig(demo.configPath, { ...io, env: {} });
  const connection = makeConnection(config, io);
  demo.connection = connection;
  io.out(`it answers at ${connection.urls[0]}; submitting ${DEMO_BATCH.length} commands\n`);
  const jobs = await submitBatch(connection);
  const results = await followBatch(demo, connection, jobs);
  if (!keep) await stop(daemon, connection);
  const summary = await readSummary(dataDir);
  io.out(`\n${reportOf(results, summary, io.nowMs() - startedAtMs)}`);
  const faults = faultsOf(results, summary);
  if (keep && faults.length === 0) await stayUp(demo, connection);
  return faults;
}

type Jobs = ReadonlyMap<string, { readonly job: DemoJob; readonly requestId: string }>;

async function submitBatch(connection: Connection): Promise<Jobs> {
  const jobs = new Map<string, { job: DemoJob; requestId: string }>();
  for (const job of DEMO_BATCH) {
    const { name, script, vcpus, ramMib, priority } = job;
    const { uuid, container_uuid } = await submitRequest(connection, {
      name,
      command: ["sh", "-c", script],
      priority,
      runtime_constraints: { vcpus, ram: ramMib * 1024 * 1024 },
      state: "Committed",
    });
    jobs.set(container_uuid, { job, requestId: uuid });
  }
  return jobs;
}

/** Until all containers have ended and every worker is gone. */
async function followBatch(
  { daemon, io, interrupted }: Demo,
  connection: Connection,
  jobs: Jobs,
): Promise<readonly DemoContainer[]> {
  const progress = new Progress(io);
  const untilMs = io.nowMs() + TIMEOUT_MS;
  const cancelled = new Set<string>();
  try {
    for (;;) {
      interrupted.throwIfAborted();
      const containers = await listContainers(connection, []);
      const status = await getStatus(connection, interrupted);
      progress.show(containers, status);
      for (const { uuid, state } of containers) {
        const { job, requestId } = jobs.get(uuid) ?? {};
        if (job?.ends !== "cancelled" || state !== "Running" || cancelled.has(uuid)) continue;
        cancelled.add(uuid);
        await cancelRequest(connection, requestId ?? "");
      }
      if (containers.every(({ state }) => isEnded(state)) && status.workers.length === 0) {
        return containers
          .map((container) => ({ container, job: jobs.get(container.uuid)?.job }))
          .filter((each): each is DemoContainer => each.job !== undefined)
          .sort((a, b) => DEMO_BATCH.indexOf(a.job) - DEMO_BATCH.indexOf(b.job));
      }
      if (daemon.exitCode() !== undefined) {
        throw new CliError(`the dispatcher ended by itself, with exit code ${daemon.exitCode()}`);
      }
      if (io.nowMs() > untilMs) {
        throw new CliError(`the batch had not ended after ${formatSpan(TIMEOUT_MS)}`);
      }
      await delay(LOOK_MS, undefined, { signal: interrupted });
    }
  } finally {
    progress.end();
  }
}

async function stop(daemon: DaemonProcess, connection: Connection): Promise<void> {
  await requestStop(connection, { drain: false, reason: "the demo is over" });
  if (!(await daemon.endsWithin(STOP_TIMEOUT_MS))) {
    throw new CliError(`the dispatcher did not stop within ${formatSpan(STOP_TIMEOUT_MS)}`);
  }
  const exitCode = daemon.exitCode();
  if (exitCode !== 0) throw new CliError(`the dispatcher stopped with exit code ${exitCode}`);
}

async function stayUp({ daemon, configPath, io, interrupted }: Demo, { urls }: Connection) {
  const command = (words: string) => `  npx dispatch-cloud ${words} --config ${configPath}\n`;
  io.out(
    `\nThe dispatcher stays up. Its page is ${new URL("/", urls[0]).href}; the login asks for the token that\n` +
      command("token") +
      "prints. In another terminal:\n" +
      command("status") +
      `${command("submit").trimEnd()} -- echo hello\n` +
      command("ps --all") +
      "Ctrl-C here stops it and everything that it started.\n",
  );
  while (!interrupted.aborted && daemon.exitCode() === undefined) {
    await delay(LOOK_MS, undefined, { signal: interrupted }).catch(() => undefined);
  }
  if (!interrupted.aborted) io.out("the dispatcher was stopped\n");
}

function prepareDataDir(given: string | undefined, io: Io) {
  if (given === undefined) {
    return { dataDir: mkdtempSync(join(tmpdir(), "dispatch-cloud-demo-")), isTemporary: true };
  }
  const dataDir = resolve(io.cwd, given);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  if (readdirSync(dataDir).length > 0) {
    throw new CliError(`${dataDir} is not empty: the demo's summary is about its own journal only`);
  }
  return { dataDir, isTemporary: false };
}
