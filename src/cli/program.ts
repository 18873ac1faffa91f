import { JournalError } from "../drivers/journal/port.ts";
import type { Command } from "./command.ts";
import { runCommandLine } from "./command.ts";
import { CliError, EXIT, UsageError } from "./exit-code.ts";
import type { Io } from "./io.ts";
import { suggestion } from "./nearest.ts";
import { PROGRAM, versionLine } from "./version.ts";

/** A command is loaded when it is called: the help and the version need none. */
interface Entry {
  readonly summary: string;
  readonly load: () => Promise<Command>;
}
interface Group {
  readonly summary: string;
  readonly commands: Readonly<Record<string, Entry>>;
}

const COMMANDS: Readonly<Record<string, Entry | Group>> = {
  run: {
    summary: "run the dispatcher, in the foreground",
    load: async () => (await import("./commands/run.ts")).runCommand,
  },
  demo: {
    summary: "start a dispatcher, run a batch of real commands on it, and sum up",
    load: async () => (await import("./commands/demo.ts")).demoCommand,
  },
  submit: {
    summary: "put a command into the embedded queue",
    load: async () => (await import("./commands/submit.ts")).submitCommand,
  },
  ps: {
    summary: "list containers, and why they wait",
    load: async () => (await import("./commands/ps.ts")).psCommand,
  },
  logs: {
    summary: "print what a container wrote",
    load: async () => (await import("./commands/logs.ts")).logsCommand,
  },
  cancel: {
    summary: "cancel containers",
    load: async () => (await import("./commands/cancel.ts")).cancelCommand,
  },
  instance: {
    summary: "list instances; hold, drain, run or kill them",
    commands: {
      list: {
        summary: "list the instances",
        load: async () => (await import("./commands/instance-list.ts")).instanceListCommand,
      },
      ...Object.fromEntries(
        (
          [
            ["hold", "keep instances, and start nothing new on them"],
            ["drain", "shut instances down when what runs on them has ended"],
            ["run", "take instances into normal service (again)"],
            ["kill", "shut instances down now, with what runs on them"],
          ] as const
        ).map(([action, summary]) => [
          action,
          {
            summary,
            load: async () =>
              (await import("./commands/instance-action.ts")).instanceAction(action),
          },
        ]),
      ),
    },
  },
  hosts: {
    summary: "set up machines that are there already, and look after them",
    commands: {
      add: {
        summary: "add machines to the config, by their logins",
        load: async () => (await import("./commands/hosts-add.ts")).hostsAddCommand,
      },
      check: {
        summary: "what each lacks, and the command that mends it",
        load: async () => (await import("./commands/hosts-check.ts")).hostsCheckCommand,
      },
      list: {
        summary: "list them, and who has claimed them",
        load: async () => (await import("./commands/hosts-list.ts")).hostsListCommand,
      },
      accept: {
        summary: "take a changed key of one for its own",
        load: async () => (await import("./commands/hosts-accept.ts")).hostsAcceptCommand,
      },
      release: {
        summary: "end the claim of a dispatcher that is lost",
        load: async () => (await import("./commands/hosts-release.ts")).hostsReleaseCommand,
      },
      forget: {
        summary: "take one out of the config, also one that is lost",
        load: async () => (await import("./commands/hosts-forget.ts")).hostsForgetCommand,
      },
    },
  },
  status: {
    summary: "show fleet, queue and alarms on one screen",
    load: async () => (await import("./commands/status.ts")).statusCommand,
  },
  explain: {
    summary: "tell why a container waits, or why an instance was booted, kept or destroyed",
    load: async () => (await import("./commands/explain.ts")).explainCommand,
  },
  chart: {
    summary: "draw a state machine, or what a worker or a container went through",
    load: async () => (await import("./commands/chart.ts")).chartCommand,
  },
  stop: {
    summary: "stop the dispatcher; with --drain, its instances too",
    load: async () => (await import("./commands/stop.ts")).stopCommand,
  },
  simulate: {
    summary: "what would have happened: a workload, or last week's, under other configs",
    load: async () => (await import("./commands/simulate.ts")).simulateCommand,
  },
  replay: {
    summary: "decide everything in a journal anew, and compare",
    load: async () => (await import("./commands/replay.ts")).replayCommand,
  },
  inspect: {
    summary: "look at a journal in the browser, without a dispatcher",
    load: async () => (await import("./commands/inspect.ts")).inspectCommand,
  },
  journal: {
    summary: "look after a journal",
    commands: {
      stats: {
        summary: "how much it holds",
        load: async () => (await import("./commands/journal.ts")).journalStatsCommand,
      },
      check: {
        summary: "what is wrong with it",
        load: async () => (await import("./commands/journal.ts")).journalCheckCommand,
      },
      export: {
        summary: "its records, as JSON lines",
        load: async () => (await import("./commands/journal.ts")).journalExportCommand,
      },
      accept: {
        summary: "take note that records are missing",
        load: async () => (await import("./commands/journal-accept.ts")).journalAcceptCommand,
      },
      prune: {
        summary: "remove the oldest records",
        load: async () => (await import("./commands/journal.ts")).journalPruneCommand,
      },
    },
  },
  config: {
    summary: "look after a config",
    commands: {
      check: {
        summary: "what is wrong with it",
        load: async () => (await import("./commands/config.ts")).configCheckCommand,
      },
      dump: {
        summary: "what is in effect, defaults filled in",
        load: async () => (await import("./commands/config.ts")).configDumpCommand,
      },
      schema: {
        summary: "the JSON schema of the file",
        load: async () => (await import("./commands/config.ts")).configSchemaCommand,
      },
    },
  },
  plan: {
    summary: "what the scheduler would decide about a snapshot",
    load: async () => (await import("./commands/plan.ts")).planCommand,
  },
  "choose-type": {
    summary: "which instance types a container may run on",
    load: async () => (await import("./commands/choose-type.ts")).chooseTypeCommand,
  },
  cloudtest: {
    summary: "test the configured cloud driver with one instance",
    load: async () => (await import("./commands/cloudtest.ts")).cloudtestCommand,
  },
  token: {
    summary: "print the management token",
    load: async () => (await import("./commands/token.ts")).tokenCommand,
  },
  version: {
    summary: "print the version",
    load: async () => (await import("./commands/version.ts")).versionCommand,
  },
};

/** Names of the original's commands (specification §2.1). */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  "dispatch-cloud": ["run"],
  "config-check": ["config", "check"],
  "config-dump": ["config", "dump"],
};

/** Runs one command line and returns the exit code; every message is out by then. */
export async function runProgram(args: readonly string[], io: Io): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (error instanceof CliError || error instanceof JournalError || isFromSystem(error)) {
      io.err(`${PROGRAM}: ${error.message}\n`);
      return error instanceof CliError ? error.exitCode : EXIT.failed;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    io.err(`${PROGRAM}: a bug in this program:\n${text}\n`);
    return EXIT.bug;
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<number> {
  const [given = "", ...after] = args;
  if (given === "" && args.length === 0) {
    io.err(helpText());
    return EXIT.usage;
  }
  if (isHelp(given)) return dispatchHelp(after, io);
  if (/^--?version$/.test(given)) {
    io.out(`${versionLine()}\n`);
    return EXIT.ok;
  }
  const alias = Object.hasOwn(ALIASES, given) ? ALIASES[given] : undefined;
  const [name = "", ...rest] = alias ? [...alias, ...after] : [given, ...after];
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (!entry) {
    const near = suggestion(name, Object.keys(COMMANDS));
    throw new UsageError(`unknown command ${JSON.stringify(name)}${near} (try ${PROGRAM} --help)`);
  }
  if ("load" in entry) return runCommandLine(await entry.load(), rest, io);
  return dispatchGroup(name, entry, rest, io);
}

async function dispatchGroup(
  name: string,
  { commands }: Group,
  [given = "", ...rest]: readonly string[],
  io: Io,
): Promise<number> {
  if (isHelp(given)) {
    io.out(groupHelp(name, commands));
    return EXIT.ok;
  }
  const entry = Object.hasOwn(commands, given) ? commands[given] : undefined;
  if (entry) return runCommandLine(await entry.load(), rest, io);
  const names = Object.keys(commands);
  const what = given === "" ? `expected one of ${names.join(", ")}` : `unknown command ${given}`;
  const near = given === "" ? "" : suggestion(given, names);
  throw new UsageError(`${name}: ${what}${near} (try ${PROGRAM} ${name} --help)`);
}

/** `help`, `help ps`, `--help`. */
async function dispatchHelp(topic: readonly string[], io: Io): Promise<number> {
  if (topic.length > 0) return dispatch([...topic, "--help"], io);
  io.out(helpText());
  return EXIT.ok;
}

function isHelp(given: string): boolean {
  return given === "help" || given === "-h" || /^--?help$/.test(given);
}

function isFromSystem(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}

function helpText(): string {
  const lines = Object.entries(COMMANDS).map(([name, entry]): [string, string] => [
    "commands" in entry ? `${name} ${Object.keys(entry.commands).join("|")}` : name,
    entry.summary,
  ]);
  return [
    "Runs a queue of containers on cloud VMs that it boots, watches, fills and shuts down by itself.\n",
    `Usage: ${PROGRAM} COMMAND [flags] [arguments]\n`,
    `Commands:\n${listed(lines)}\n`,
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 a replay of what other code recorded, 70 a bug.",
    `${PROGRAM} COMMAND --help tells more. -flag does as well as --flag.\n`,
  ].join("\n");
}

function groupHelp(name: string, commands: Readonly<Record<string, Entry>>): string {
  const lines = Object.entries(commands).map(([each, { summary }]): [string, string] => [
    each,
    summary,
  ]);
  return `Usage: ${PROGRAM} ${name} COMMAND [flags] [arguments]\n\nCommands:\n${listed(lines)}\n`;
}

function listed(lines: readonly [string, string][]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return lines.map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`).join("\n");
}
