#!/usr/bin/env node
import { type Flags, NO_DETACH, parseFlags, RUNTIME_ENGINE, USAGE, UsageError } from "./flags.ts";
import { RunnerError } from "./paths.ts";
import { selfCommand } from "./self-command.ts";

// Each call costs the start of a process, and the list is asked for every few seconds: what a call does not need is not
// loaded.

interface Invocation {
  /** This program, as it must be called again; with the sub-command if it was called as `… crunch-run`. */
  readonly program: readonly string[];
  /** Without the marker of a detached child. */
  readonly args: readonly string[];
  readonly isChild: boolean;
}

function readInvocation(): Invocation {
  const given = process.argv.slice(2);
  const subCommand = given[0] === "crunch-run" ? ["crunch-run"] : [];
  const args = given.slice(subCommand.length);
  const isChild = args[0] === NO_DETACH;
  return {
    program: [...selfCommand(process), ...subCommand],
    args: isChild ? args.slice(1) : args,
    isChild,
  };
}

/** Returns the exit code (specification §13): in this order version and help, agent, detach, kill, list, run. */
async function main(invocation: Invocation): Promise<number> {
  const flags = parseFlags(invocation.args);
  if (flags.help || flags.version) {
    process.stdout.write(flags.help ? USAGE : (await import("./version.ts")).versionLine());
    return 0;
  }
  if (process.platform !== "linux") {
    throw new RunnerError(`works on Linux only, this is ${process.platform}`);
  }
  if (flags.agent !== undefined) return agentHere(flags.agent, invocation);
  const runs = flags.kill === undefined && !flags.list;
  if ((runs || flags.detach) && flags.runtimeEngine !== RUNTIME_ENGINE) {
    throw new RunnerError(
      `runtime engine ${JSON.stringify(flags.runtimeEngine)} is not supported by this runner: only "${RUNTIME_ENGINE}" is`,
    );
  }
  if (flags.detach && !invocation.isChild) {
    const { detach } = await import("./detach.ts");
    process.stdout.write(await detach(flags, invocation.program, invocation.args));
    return 0;
  }
  if (flags.kill !== undefined) {
    const { kill } = await import("./kill.ts");
    await kill(flags.containerUuid, flags.kill, complain);
    return 0;
  }
  if (flags.list) {
    await listHere(flags);
    return 0;
  }
  // Before the pid is told to anyone: the default of this signal is to end the process.
  process.on("SIGUSR2", () => undefined);
  const lockFd = invocation.isChild
    ? (await import("./detach.ts")).takeOverLock(flags.containerUuid)
    : undefined;
  const { run } = await import("./run.ts");
  return run(flags, lockFd);
}

async function agentHere(directory: string, { isChild, program }: Invocation): Promise<number> {
  const { serveAgent, startAgent } = await import("./agent/start.ts");
  const { readStdin } = await import("./stdin-config.ts");
  const stdin = await readStdin();
  if (isChild) return serveAgent(directory, stdin);
  process.stdout.write(await startAgent(directory, program, stdin));
  return 0;
}

async function listHere(flags: Flags): Promise<void> {
  const { list, storePrices } = await import("./list.ts");
  const output = {
    stdout: (line: string) => void process.stdout.write(`${line}\n`),
    stderr: complain,
  };
  if (flags.stdinPrices) {
    const { readStdin } = await import("./stdin-config.ts");
    storePrices(await readStdin(), output);
  }
  await list(output);
}

function complain(line: string): void {
  process.stderr.write(`${line}\n`);
}

function explain(error: unknown): number {
  if (error instanceof UsageError) {
    complain(`crunch-run: ${error.message}\n\n${USAGE}`);
    return 2;
  }
  const isExpected = error instanceof RunnerError;
  complain(`crunch-run: ${isExpected ? error.message : ((error as Error).stack ?? String(error))}`);
  return 1;
}

// A caller that has gone must not make a crash of a container that has begun.
process.stdout.on("error", () => undefined);
process.stderr.on("error", () => undefined);
// Without `await` here: the bundle for the executable is CommonJS, which has none at the top.
// Pipes to a detached child and kept connections would hold an end back. Writes to pipes and files are done by now.
void main(readInvocation())
  .catch(explain)
  .then((exitCode) => process.exit(exitCode));
