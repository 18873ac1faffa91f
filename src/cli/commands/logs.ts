import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { NoAnswerError, RefusedError } from "../api.ts";
import { requireClusterConfig } from "../cluster-config.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { dataDirOf, makeConnection } from "../connection.ts";
import { dataPaths } from "../data-dir.ts";
import { CliError, EXIT } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { LogTail } from "../log-tail.ts";
import { getContainer, isEnded, requireContainerId } from "../queue-api.ts";
import type { ClusterConfig } from "../../config/load.ts";

const FOLLOW_MS = 200;
const ASK_MS = 1_000;

export const logsCommand = defineCommand({
  name: "logs",
  summary: "Prints what a container wrote to standard output and standard error.",
  flags: {
    follow: { type: "boolean", short: "f", help: "Go on until the container has ended" },
    stdout: { type: "boolean", help: "Standard output only" },
    stderr: { type: "boolean", help: "Standard error only" },
    config: CONFIG_FLAG,
  },
  args: { usage: "CONTAINER", min: 1, max: 1 },
  notes: [
    "Each goes where it came from: the container's standard error to standard error. It reads the files that the " +
      "runner keeps in the data directory, so it works when the worker is gone and when no dispatcher runs. They are " +
      "those of the last attempt; earlier ones are stdout.1.log and so on in the container's folder. Containers that " +
      "ran on other machines have left their logs there.",
  ],
  exitCodes: { [EXIT.failed]: "the container has left no logs here" },
  examples: [
    "dispatch-cloud logs zzzzz-dz642-0123456789abcde",
    "dispatch-cloud logs --follow --stderr zzzzz-dz642-0123456789abcde",
  ],
  async run({ flags, args, io }) {
    const containerId = requireContainerId(args[0] ?? "");
    const config = await requireClusterConfig(flags.config, io);
    const folder = join(dataPaths(dataDirOf(config, io)).containers, containerId);
    const both = flags.stdout === flags.stderr;
    const tails = [
      ...(both || flags.stdout ? [new LogTail(join(folder, "stdout.log"), io.out)] : []),
      ...(both || flags.stderr ? [new LogTail(join(folder, "stderr.log"), io.err)] : []),
    ];
    const readAll = () => tails.map((tail) => tail.read()).some(Boolean);
    try {
      if (flags.follow) await follow(readAll, () => stateOf(config, containerId, io), io);
      else if (!readAll()) throw nothingKept(folder, await stateOf(config, containerId, io));
      else return EXIT.ok;
      if (!existsSync(folder)) throw nothingKept(folder, await stateOf(config, containerId, io));
      return EXIT.ok;
    } finally {
      for (const tail of tails) tail.close();
    }
  },
});

/** A container's state; `noAnswer` where nobody can be asked, `unknown` where the queue does not know it. */
type State = string;

async function follow(
  readAll: () => boolean,
  askState: () => Promise<State>,
  io: Io,
): Promise<void> {
  let told = false;
  for (let round = 0; ; round++) {
    if (round % (ASK_MS / FOLLOW_MS) === 0) {
      const state = await askState();
      if (isEnded(state) || state === "unknown") {
        // What was written before it ended is all there by now.
        readAll();
        return;
      }
      if (state === "noAnswer" && !told) {
        told = true;
        io.err("(no dispatcher answers, so the end will not be noticed; Ctrl-C stops following)\n");
      }
    }
    readAll();
    await delay(FOLLOW_MS);
  }
}

async function stateOf(config: ClusterConfig, containerId: string, io: Io): Promise<State> {
  try {
    return (await getContainer(makeConnection(config, io), containerId)).state;
  } catch (error) {
    if (error instanceof RefusedError && error.status === 404) return "unknown";
    if (error instanceof NoAnswerError || error instanceof CliError) return "noAnswer";
    throw error;
  }
}

function nothingKept(folder: string, state: State): CliError {
  if (state === "unknown") return new CliError("the queue knows no such container");
  const known = state === "noAnswer" ? "" : `; the container is ${state}`;
  return new CliError(`nothing is kept at ${folder}${known}`);
}
