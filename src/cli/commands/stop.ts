import { setTimeout as delay } from "node:timers/promises";
import { NoAnswerError, RefusedError } from "../api.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { connectionOf, type Connection } from "../connection.ts";
import { getStatus, requestStop } from "../dispatch-api.ts";
import { CliError, EXIT } from "../exit-code.ts";
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
  exitCodes: { [EXIT.failed]: "no dispatcher answers, or it did not stop" },
  examples: ['dispatch-cloud stop --drain --reason "moving to another host"'],
  async run({ flags, io }) {
    const connection = await connectionOf(flags.config, io);
    const startedAtMs = io.nowMs();
    const { drain } = flags;
    await requestStop(connection, { drain, reason: flags.reason ?? "" });
    if (flags["no-wait"]) return EXIT.ok;
    await waitUntilGone(connection, io, drain ? Infinity : startedAtMs + STOP_TIMEOUT_MS);
    io.err(
      drain
        ? "stopped; no instance is left\n"
        : "stopped; instances and containers go on running\n",
    );
    return EXIT.ok;
  },
});

async function waitUntilGone(connection: Connection, io: Io, deadlineAtMs: number): Promise<void> {
  let shown = "";
  for (;;) {
    try {
      const { workers, containers } = await getStatus(connection);
      const count = workers.reduce((sum, group) => sum + group.count, 0);
      const running = containers.by_state.find(({ state }) => state === "Running")?.count ?? 0;
      const line = `waiting: ${count} instances are left, ${running} containers run\n`;
      if (line !== shown && deadlineAtMs === Infinity) io.err(line);
      shown = line;
    } catch (error) {
      if (error instanceof NoAnswerError) return;
      // On its way out it may refuse what it answered before.
      if (!(error instanceof RefusedError)) throw error;
    }
    if (io.nowMs() > deadlineAtMs) {
      throw new CliError("the dispatcher still answers; its log says what keeps it");
    }
    await delay(LOOK_MS);
  }
}
