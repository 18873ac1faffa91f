import { parseArgs } from "node:util";
import { EXIT, UsageError } from "./exit-code.ts";
import type { Io } from "./io.ts";
import { suggestion } from "./nearest.ts";

export interface FlagSpec {
  readonly type: "string" | "boolean";
  /** May be given several times. */
  readonly multiple?: boolean;
  /** What stands for the value in the help, such as FILE. */
  readonly value?: string;
  /** One letter. */
  readonly short?: string;
  readonly help: string;
  /** Accepted for compatibility, not shown. */
  readonly hidden?: boolean;
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

type FlagValue<S extends FlagSpec> = S["type"] extends "boolean"
  ? boolean
  : S extends { readonly multiple: true }
    ? string[]
    : string | undefined;

export type FlagValues<F extends FlagSpecs> = { readonly [K in keyof F]: FlagValue<F[K]> };

export interface Call<F extends FlagSpecs = FlagSpecs> {
  readonly flags: FlagValues<F>;
  readonly args: readonly string[];
  readonly io: Io;
}

/** One command. Its help is made from this. */
export interface Command<F extends FlagSpecs = FlagSpecs> {
  /** Without the program's name: `instance list`. */
  readonly name: string;
  readonly summary: string;
  readonly flags: F;
  /** What stands behind the flags in the usage line; none if absent. */
  readonly args?: { readonly usage: string; readonly min: number; readonly max: number };
  /** Longer explanations, a paragraph each. */
  readonly notes?: readonly string[];
  /** Over the common ones. */
  readonly exitCodes?: Readonly<Record<number, string>>;
  readonly examples: readonly string[];
  /** Returns the exit code. Throws `CliError` for what is told in one message. */
  run(call: Call<F>): Promise<number>;
}

/** Keeps the types of the flags for `run` while the command is written down. */
export function defineCommand<const F extends FlagSpecs>(command: Command<F>): Command {
  return command;
}

export const CONFIG_FLAG = {
  type: "string",
  value: "FILE",
  help:
    "The cluster's config; - is standard input. Default: $ARVADOS_CONFIG, else /etc/arvados/config.yml, " +
    "else config/standalone.yml in the working directory",
} as const;
export const JSON_FLAG = { type: "boolean", help: "Print JSON" } as const;

const HELP_FLAG = { type: "boolean", short: "h", help: "Print this help" } as const;

/** Parses the arguments and runs the command, or prints its help. */
export async function runCommandLine(
  command: Command,
  args: readonly string[],
  io: Io,
): Promise<number> {
  const call = parseCall(command, args, io);
  if (call === "help") {
    io.out(helpOf(command));
    return EXIT.ok;
  }
  return command.run(call);
}

function parseCall(command: Command, args: readonly string[], io: Io): Call | "help" {
  const specs: FlagSpecs = { ...command.flags, help: HELP_FLAG };
  const { values, positionals, tokens } = parseArgs({
    args: args.length === 0 ? [] : withDoubleDashes(args, specs),
    options: Object.fromEntries(
      Object.entries(specs).map(([name, { type, multiple, short }]) => [
        name,
        { type, ...(multiple ? { multiple } : {}), ...(short ? { short } : {}) },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  if (values["help"] === true) return "help";
  for (const token of tokens) if (token.kind === "option") checkOption(command, specs, token);
  checkArgs(command, positionals);
  const flags = Object.fromEntries(
    Object.entries(command.flags).map(([name, { type, multiple }]) => [
      name,
      values[name] ?? (type === "boolean" ? false : multiple ? [] : undefined),
    ]),
  );
  return { flags: flags as Call["flags"], args: positionals, io };
}

/** One dash before a long name will do, as in the original: `-config FILE`, `-config=FILE`. */
function withDoubleDashes(args: readonly string[], specs: FlagSpecs): string[] {
  const end = args.indexOf("--");
  return args.map((arg, at) => {
    if (end !== -1 && at >= end) return arg;
    const name = /^-([a-z][a-z0-9-]+)(=|$)/.exec(arg)?.[1];
    const before = args[at - 1] ?? "";
    const isValue = specs[before.replace(/^--?/, "")]?.type === "string" && before.startsWith("-");
    return name !== undefined && !isValue ? `-${arg}` : arg;
  });
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function checkOption(command: Command, specs: FlagSpecs, token: OptionToken): void {
  const { name, rawName, value } = token;
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined;
  if (!spec) {
    const known = Object.keys(specs).filter((each) => !specs[each]?.hidden);
    throw usageError(command, `unknown flag ${rawName}${suggestion(name, known, "--")}`);
  }
  if (spec.type === "boolean" && value !== undefined) {
    throw usageError(command, `${rawName} takes no value, found ${JSON.stringify(value)}`);
  }
  if (spec.type === "string") {
    const looksLikeFlag = !token.inlineValue && /^--?[a-zA-Z]/.test(value ?? "");
    if (value === undefined || looksLikeFlag) {
      throw usageError(command, `${rawName} needs a value: ${rawName} ${spec.value ?? "VALUE"}`);
    }
  }
}

function checkArgs(command: Command, args: readonly string[]): void {
  const { usage = "", min = 0, max = 0 } = command.args ?? {};
  if (args.length > max) {
    const stray = args.slice(max).join(" ");
    throw usageError(command, `unrecognized command line arguments: ${stray}`);
  }
  if (args.length < min) throw usageError(command, `expected ${usage}`);
}

/** A usage error that names the way to the help. */
export function usageError(command: Pick<Command, "name">, message: string): UsageError {
  return new UsageError(`${message} (try dispatch-cloud ${command.name} --help)`);
}

const COMMON_EXIT_CODES: Readonly<Record<number, string>> = {
  [EXIT.ok]: "done",
  [EXIT.failed]: "failed; standard error says why",
  [EXIT.usage]: "wrong usage",
  [EXIT.bug]: "a bug in this program",
};

const HELP_WIDTH = 96;

function helpOf(command: Command): string {
  const flags = Object.entries({ ...command.flags, help: HELP_FLAG } as FlagSpecs)
    .filter(([, spec]) => !spec.hidden)
    .map(([name, spec]): [string, string] => [flagText(name, spec), spec.help]);
  const codes = Object.entries({ ...COMMON_EXIT_CODES, ...command.exitCodes });
  const usage = ["dispatch-cloud", command.name, "[flags]", command.args?.usage ?? ""];
  return [
    `${command.summary}\n`,
    `Usage: ${usage.join(" ").trim()}\n`,
    ...(command.notes ?? []).map((note) => `${wrap(note, 0)}\n`),
    `Flags:\n${listed(flags)}\n`,
    `Exit codes:\n${listed(codes)}\n`,
    `Examples:\n${command.examples.map((line) => `  ${line}`).join("\n")}\n`,
  ].join("\n");
}

function flagText(name: string, spec: FlagSpec): string {
  const value = spec.type === "string" ? ` ${spec.value ?? "VALUE"}` : "";
  return `${spec.short ? `-${spec.short}, ` : ""}--${name}${value}${spec.multiple ? " …" : ""}`;
}

function listed(entries: readonly (readonly [string, string])[]): string {
  const width = Math.max(...entries.map(([name]) => name.length)) + 4;
  return entries
    .map(([name, text]) => `  ${name.padEnd(width - 2)}${wrap(text, width)}`)
    .join("\n");
}

/** Lines behind the first are indented. */
function wrap(text: string, indent: number): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && indent + line.length + word.length >= HELP_WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.join(`\n${" ".repeat(indent)}`);
}
