export const RUNTIME_ENGINE = "process";

/** The first argument of the re-executed child; one constant for both sides (specification §15.1). */
export const NO_DETACH = "-no-detach";

export interface Flags {
  readonly detach: boolean;
  readonly list: boolean;
  /** Signal number; undefined when nothing is to be killed. */
  readonly kill: number | undefined;
  /** The agent's folder; undefined when it is not asked for. */
  readonly agent: string | undefined;
  readonly stdinConfig: boolean;
  readonly stdinPrices: boolean;
  readonly runtimeEngine: string;
  readonly brokenNodeHook: string;
  readonly sleepMs: number;
  readonly version: boolean;
  readonly help: boolean;
  /** Empty with `--agent`, `--list`, `--version` and `--help` only. */
  readonly containerUuid: string;
}

/** Wrong usage: exit 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export const USAGE = `usage: crunch-run [flags] container-uuid
       crunch-run --list [--stdin-prices]
       crunch-run --kill N container-uuid
       crunch-run --agent DIR

Runs one container of an Arvados queue on this machine.

  --detach                  run in the background; prints {"UUID":…,"PID":…} when it has begun
  --list                    print the containers that run here, one a line ("<uuid>" or "<uuid> stale"),
                            and "broken" if this node is marked so
  --kill N                  send signal N to the container's runner; exit 0 once it is gone, 1 if it lives after 1 s
  --agent DIR               make sure that the agent lives which carries the API calls of this machine's runners to a
                            dispatcher that comes by SSH; DIR, or "default", is its folder; reads {"secret":…,"runner":…}
                            from standard input
  --stdin-config            read {"Env":{…}} as JSON from standard input
  --stdin-prices            with --list: read the instance's price history as JSON from standard input
  --runtime-engine ENGINE   "process", the default, is the only one
  --broken-node-hook CMD    run CMD, instead of creating crunch-run-broken, when this node cannot run containers
  --config FILE             accepted for compatibility; not read
  --sleep DURATION          wait before starting (for tests; 500ms, 10s, 1m)
  --version, --help

Environment: ARVADOS_API_HOST, ARVADOS_API_TOKEN, ARVADOS_API_HOST_INSECURE, CRUNCH_RUN_LOCK_DIR (/var/lock),
CRUNCH_RUN_DATA_DIR (/var/lib/crunch-run; without root ~/.local/state/crunch-run).
`;

const BOOLEAN = ["detach", "list", "stdin-config", "stdin-prices", "version", "help", "h"] as const;
const VALUED = ["kill", "agent", "runtime-engine", "broken-node-hook", "config", "sleep"] as const;

const CONTAINER_UUID = /^[0-9a-z]{5}-[0-9a-z]{5}-[0-9a-z]{15}$/;

/**
 * As Go's flag package: one dash or two, `-f v` or `-f=v`, booleans with `=` only, flags before the container's uuid
 * (specification §13). Throws `UsageError`.
 */
export function parseFlags(args: readonly string[]): Flags {
  const { values, rest } = split(args);
  const flags = {
    detach: isSet(values, "detach"),
    list: isSet(values, "list"),
    kill: signalNumber(values.get("kill")),
    agent: values.get("agent"),
    stdinConfig: isSet(values, "stdin-config"),
    stdinPrices: isSet(values, "stdin-prices"),
    runtimeEngine: values.get("runtime-engine") ?? RUNTIME_ENGINE,
    brokenNodeHook: values.get("broken-node-hook") ?? "",
    sleepMs: durationMs(values.get("sleep") ?? "0s"),
    version: isSet(values, "version"),
    help: isSet(values, "help") || isSet(values, "h"),
    containerUuid: rest[0] ?? "",
  };
  if (flags.list || flags.version || flags.help || flags.agent !== undefined) return flags;
  if (rest.length === 0) {
    throw new UsageError("missing required argument: container-uuid (try -help)");
  }
  if (rest.length > 1) {
    throw new UsageError(`unexpected argument after the container's uuid: ${rest[1]} (try -help)`);
  }
  if (!CONTAINER_UUID.test(flags.containerUuid)) {
    throw new UsageError(
      `${JSON.stringify(flags.containerUuid)} is not a container's uuid, like zzzzz-dz642-000000000000001`,
    );
  }
  return flags;
}

function split(args: readonly string[]): { values: Map<string, string>; rest: string[] } {
  const values = new Map<string, string>();
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") return { values, rest: args.slice(at + 1) };
    const match = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(arg);
    if (!match) {
      if (arg.length > 1 && arg.startsWith("-")) throw new UsageError(`bad flag syntax: ${arg}`);
      break;
    }
    const [, name = "", given] = match;
    if ((BOOLEAN as readonly string[]).includes(name)) {
      values.set(name, booleanValue(name, given ?? "true"));
    } else if ((VALUED as readonly string[]).includes(name)) {
      const value = given ?? args[++at];
      if (value === undefined) throw new UsageError(`flag needs an argument: -${name}`);
      values.set(name, value);
    } else {
      throw new UsageError(`flag provided but not defined: -${name} (try -help)`);
    }
  }
  return { values, rest: args.slice(at) };
}

function isSet(values: ReadonlyMap<string, string>, name: string): boolean {
  return values.get(name) === "true";
}

function booleanValue(name: string, given: string): string {
  if (["1", "t", "T", "true", "TRUE", "True"].includes(given)) return "true";
  if (["0", "f", "F", "false", "FALSE", "False"].includes(given)) return "false";
  throw new UsageError(`invalid boolean value ${JSON.stringify(given)} for -${name}`);
}

function signalNumber(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const signal = /^\d+$/.test(given) ? Number(given) : NaN;
  if (!(signal >= 0 && signal <= 64)) {
    throw new UsageError(
      `invalid value ${JSON.stringify(given)} for -kill: expected the number of a signal, like 15`,
    );
  }
  return signal;
}

function durationMs(given: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(given);
  if (!match) {
    throw new UsageError(
      `invalid value ${JSON.stringify(given)} for -sleep: expected a duration, like 500ms or 10s`,
    );
  }
  const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[match[2] as "ms" | "s" | "m" | "h"];
  return Number(match[1]) * unitMs;
}
