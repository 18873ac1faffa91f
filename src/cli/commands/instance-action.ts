import { exchange } from "../api.ts";
import { CONFIG_FLAG, defineCommand, usageError, type Command } from "../command.ts";
import { connectionOf } from "../connection.ts";
import { CliError, EXIT } from "../exit-code.ts";

type Action = "hold" | "drain" | "run" | "kill";

const SUMMARIES: Readonly<Record<Action, string>> = {
  hold: "Keeps instances, and starts nothing new on them.",
  drain: "Shuts instances down as soon as what runs on them has ended.",
  run: "Takes instances into normal service, also such as were held or drained.",
  kill: "Shuts instances down now; what runs on them is stopped and ends as Cancelled.",
};

/** `instance hold|drain|run|kill`, as in the original (specification §2.9). */
export function instanceAction(action: Action): Command {
  const command: Command = defineCommand({
    name: `instance ${action}`,
    summary: SUMMARIES[action],
    flags: {
      reason: { type: "string", value: "TEXT", help: "Why; kept with the decision" },
      json: { type: "boolean", help: "Print a line of JSON per attempt on standard output" },
      config: CONFIG_FLAG,
    },
    args: { usage: "INSTANCE…", min: 0, max: Infinity },
    notes: [
      "Every address in Services.DispatchCloud.InternalURLs is tried until one knows the instance; each attempt is a " +
        "line on standard error: ID: STATUS (HOST).",
    ],
    exitCodes: { [EXIT.failed]: "not done for all of them" },
    examples: [`dispatch-cloud instance ${action} --reason "bad disk" i-0123456789abcdef0`],
    async run({ flags, args, io }) {
      if (args.length === 0) throw usageError(command, "usage error: no instance IDs provided");
      const connection = await connectionOf(flags.config, io);
      const todo = new Set(args);
      for (const url of connection.urls) {
        for (const id of [...todo]) {
          const attempt = await post(url, id);
          if (attempt.ok) todo.delete(id);
          if (flags.json) io.out(`${JSON.stringify({ instance: id, ...attempt })}\n`);
          else io.err(`${id}: ${attempt.status} (${attempt.host})\n`);
        }
      }
      return todo.size === 0 ? EXIT.ok : EXIT.failed;

      async function post(url: string, id: string) {
        const { host } = new URL(url);
        const query = new URLSearchParams({ instance_id: id, reason: flags.reason ?? "" });
        const path = `/arvados/v1/dispatch/instances/${action}?${query.toString()}`;
        try {
          const response = await exchange(connection, {
            method: "POST",
            path,
            token: "management",
            url,
          });
          return { ok: response.status === 200, status: response.statusLine, host };
        } catch (error) {
          if (!(error instanceof CliError)) throw error;
          return { ok: false, status: error.message, host };
        }
      }
    },
  });
  return command;
}
