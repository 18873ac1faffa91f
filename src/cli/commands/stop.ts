import { setTimeout as delay } from "node:timers/promises";
import { NoAnswerError, RefusedError } from "../api.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { connectionOf, type Connection } from "../connection.ts";
import { readDaemonFile } from "../daemon-file.ts";
import { getStatus, requestStop } from "../dispatch-api.ts";
import { CliError, EXIT } from "../exit-code.ts";
import type { StatusAnswer } from "../../http/wire/status.ts";
import type { Io } from "../io.ts";

const LOOK_MS = 250;
/** A stop without drain has only the journal to close. */
const STOP_TIMEOUT_MS = 60_000;

export const stopCommand = defineCommand({
  name: "stop",
  summary: "Stops the dispatcher, and leaves instances and what runs on them alone.",
  flags: {
    drain: {
      type: "boolean",
      help: "Start nothing more, let what runs end, shut all instances down, and stop then",
    },
    reason: { type: "string", value: "TEXT", help: "Why; kept in the journal" },
    "no-wait": { type: "boolean", help: "Return as soon as the dispatcher has taken note" },
    config: CONFIG_FLAG,
  },
  notes: [
    "Without --drain, containers go on running, and the next dispatcher finds them. With it, this can take as long as " +
      "the longest container; Ctrl-C ends the waiting, not the draining.",
  ],
  exitCodes: {
    [EXIT.failed]: "no dispatcher answers, it did not stop, or it ended before it had drained",
  },
  examples: ['dispatch-cloud stop --drain --reason "moving to another host"'],
  async run({ flags, io }) {
    const connection = await connectionOf(flags.config, io);
    const startedAtMs = io.nowMs();
    const daemon = readDaemonFile(connection.dataDir);
    const { drain } = flags;
    const drained = new Drain();
    // What is there now is what the drain is counted by.
    if (drain && !flags["no-wait"]) drained.look(await getStatus(connection));
    await requestStop(connection, { drain, reason: flags.reason ?? "" });
    if (flags["no-wait"]) return EXIT.ok;
    const deadlineAtMs = drain ? Infinity : startedAtMs + STOP_TIMEOUT_MS;
    await waitUntilGone(connection, io, { drained, deadlineAtMs, pid: daemon?.pid });
    io.err(
      drain
        ? `stopped; no instance is left: ${drained.summary()}\n`
        : "stopped; instances and containers go on running\n",
    );
    return EXIT.ok;
  },
});

/** Throws where the dispatcher is gone and has not ended by itself. */
async function waitUntilGone(
  connection: Connection,
  io: Io,
  { drained, deadlineAtMs, pid }: { drained: Drain; deadlineAtMs: number; pid: number | undefined },
): Promise<void> {
  for (;;) {
    try {
      drained.look(await getStatus(connection));
      if (deadlineAtMs === Infinity) drained.tellProgress(io);
    } catch (error) {
      if (error instanceof NoAnswerError) break;
      // On its way out it may refuse what it answered before.
      if (!(error instanceof RefusedError)) throw error;
    }
    if (io.nowMs() > deadlineAtMs) {
      throw new CliError("the dispatcher still answers; its log says what keeps it");
    }
    await delay(LOOK_MS);
  }
  // At an orderly end it takes its file away.
  const hasEnded = pid === undefined || readDaemonFile(connection.dataDir)?.pid !== pid;
  if (hasEnded) return;
  throw new CliError(
    `the dispatcher no longer answers, and has not ended in order; at last ${drained.left()}. ` +
      "Start it again: it goes on from its journal, and can be stopped then",
  );
}

interface Counts {
  readonly instances: number;
  readonly running: number;
  readonly waiting: number;
}

/** What a drain comes to, by what the dispatcher says at each look. */
class Drain {
  #first: Counts | undefined;
  #last: Counts = { instances: 0, running: 0, waiting: 0 };
  #shown = "";

  look({ workers, containers }: StatusAnswer): void {
    const countOf = (states: readonly string[]): number =>
      containers.by_state
        .filter(({ state }) => states.includes(state))
        .reduce((sum, { count }) => sum + count, 0);
    this.#last = {
      instances: workers.reduce((sum, { count }) => sum + count, 0),
      running: countOf(["Running"]),
      waiting: countOf(["Queued", "Locked"]),
    };
    this.#first ??= this.#last;
  }

  tellProgress(io: Io): void {
    const line = `waiting: ${this.left()}\n`;
    if (line !== this.#shown) io.err(line);
    this.#shown = line;
  }

  left(): string {
    const { instances, running, waiting } = this.#last;
    return `${instances} instances are left, ${running} containers run, ${waiting} wait in the queue`;
  }

  /** Of what was there at the first look: a dispatcher that has drained has no instance left, and runs nothing. */
  summary(): string {
    const first = this.#first ?? this.#last;
    const { waiting } = this.#last;
    // What was locked on an instance that was ready has still been started; who came meanwhile waits.
    const begunCount = Math.max(0, first.waiting - waiting);
    return `${first.running + begunCount} containers have ended, ${first.instances} instances were shut down, ${waiting} containers wait in the queue`;
  }
}
