import { parseByteSize } from "../../config/byte-size.ts";
import { parseDuration } from "../../config/duration.ts";
import { CONFIG_FLAG, defineCommand, usageError } from "../command.ts";
import { connectionOf } from "../connection.ts";
import { CliError, EXIT } from "../exit-code.ts";
import { submitRequest, waitForEnd, type QueuedContainer } from "../queue-api.ts";

export const submitCommand = defineCommand({
  name: "submit",
  summary: "Puts a command into the embedded queue and prints its container's uuid.",
  flags: {
    vcpus: { type: "string", value: "N", help: "CPUs that it needs; default 1" },
    ram: { type: "string", value: "SIZE", help: "Memory that it needs; default 256MiB" },
    priority: {
      type: "string",
      value: "N",
      help: "1 to 1000, the greater the sooner; default 500",
    },
    env: { type: "string", multiple: true, value: "K=V", help: "A variable of its environment" },
    cwd: {
      type: "string",
      value: "DIR",
      help: "Where it runs: absolute, or under its own fresh folder, the default",
    },
    "max-run-time": {
      type: "string",
      value: "DURATION",
      help: "It is stopped after that; default: never",
    },
    name: { type: "string", value: "TEXT", help: "Shown by ps" },
    wait: { type: "boolean", help: "Wait until it has ended, and exit as it did" },
    json: { type: "boolean", help: "Print the request (with --wait, then the container) as JSON" },
    config: CONFIG_FLAG,
  },
  args: { usage: "-- COMMAND [ARGUMENT…]", min: 1, max: Infinity },
  notes: [
    "With --wait, a dispatcher that does not answer for a while is waited for: what runs goes on without it.",
  ],
  exitCodes: {
    [EXIT.failed]: "not taken in; with --wait also: cancelled, as standard error then says",
  },
  examples: [
    "dispatch-cloud submit --vcpus 2 --ram 1GiB -- sh -c 'uname -n; sleep 5'",
    "dispatch-cloud submit --wait -- sh -c 'exit 3'; echo $?   # with --wait: the command's own exit code",
  ],
  async run({ flags, args, io }) {
    const request = readRequest(flags, args);
    const connection = await connectionOf(flags.config, io);
    if (!connection.isEmbedded) {
      throw new CliError(
        "this cluster's queue is a controller's: submit there; this command is for the embedded queue " +
          "(DispatchCloud.Queue.Driver: embedded)",
      );
    }
    const submitted = await submitRequest(connection, request);
    io.out(flags.json ? `${JSON.stringify(submitted)}\n` : `${submitted.container_uuid}\n`);
    if (!flags.wait) return EXIT.ok;
    const container = await waitForEnd(connection, submitted.container_uuid, (error) =>
      io.err(`${error.message}; waiting for it\n`),
    );
    if (flags.json) io.out(`${JSON.stringify(container)}\n`);
    return exitCodeOf(container, io.err);
  },
});

/** A command that was stopped has none of its own. */
function exitCodeOf(container: QueuedContainer, err: (text: string) => void): number {
  if (container.state === "Complete") return container.exit_code ?? EXIT.failed;
  const { error } = container.runtime_status;
  err(`${container.uuid} was cancelled${error ? `: ${error}` : ""}\n`);
  return EXIT.failed;
}

interface Wishes {
  readonly vcpus?: string | undefined;
  readonly ram?: string | undefined;
  readonly priority?: string | undefined;
  readonly env: readonly string[];
  readonly cwd?: string | undefined;
  readonly "max-run-time"?: string | undefined;
  readonly name?: string | undefined;
}

function readRequest(wishes: Wishes, command: readonly string[]): Record<string, unknown> {
  const { vcpus = "1", ram = "256MiB", priority = "500", env, cwd, name } = wishes;
  const environment = Object.fromEntries(
    env.map((pair) => {
      const [name = "", ...value] = pair.split("=");
      if (value.length > 0 && name !== "") return [name, value.join("=")];
      throw usageError(submitCommand, `--env: found ${JSON.stringify(pair)}, expected NAME=VALUE`);
    }),
  );
  const maxRunTimeMs = parsed("max-run-time", wishes["max-run-time"] ?? "0", parseDuration);
  return {
    command,
    environment,
    ...(cwd === undefined ? {} : { cwd }),
    ...(name === undefined ? {} : { name }),
    priority: wholeNumber("priority", priority, 1, 1000),
    runtime_constraints: {
      vcpus: wholeNumber("vcpus", vcpus, 1, 1_000_000),
      ram: parsed("ram", ram, parseByteSize),
    },
    scheduling_parameters: { max_run_time: Math.ceil(maxRunTimeMs / 1000) },
    state: "Committed",
  };
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
  if (value >= min && value <= max) return value;
  throw usageError(
    submitCommand,
    `--${name}: found ${JSON.stringify(text)}, expected a whole number from ${min} to ${max}`,
  );
}

function parsed(name: string, text: string, parse: (text: string) => number): number {
  let expected = "0 or more";
  try {
    const value = parse(text);
    if (value >= 0) return value;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    expected = error.message;
  }
  throw usageError(submitCommand, `--${name}: found ${JSON.stringify(text)}, expected ${expected}`);
}
