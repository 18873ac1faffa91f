import { chmodSync, lstatSync, mkdirSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { errorText, RunnerError, runnerDataDir } from "../paths.ts";

/** Stands for the folder below the runner's state, wherever that is for this user. */
const DEFAULT_DIRECTORY = "default";

/** A socket's path has at most 107 bytes. */
const PATH_BYTES_MAX = 90;

export interface AgentPaths {
  readonly directory: string;
  /** Locked for as long as the agent lives; holds its pid. */
  readonly lock: string;
  /** For the dispatcher. */
  readonly agentSocket: string;
  /** For the runners of this machine. */
  readonly apiSocket: string;
  readonly log: string;
}

/** Makes the folder where it is missing. Throws `RunnerError` for one that others may enter. */
export function prepareDirectory(given: string): AgentPaths {
  const directory = given === DEFAULT_DIRECTORY ? join(runnerDataDir(), "agent") : given;
  if (!isAbsolute(directory)) {
    throw new RunnerError(
      `--agent ${JSON.stringify(given)}: expected an absolute path, or "default"`,
    );
  }
  if (Buffer.byteLength(directory) > PATH_BYTES_MAX) {
    throw new RunnerError(
      `--agent ${directory}: longer than ${PATH_BYTES_MAX} bytes, and sockets in it could not be named`,
    );
  }
  try {
    if (mkdirSync(directory, { recursive: true, mode: 0o700 }) !== undefined)
      chmodSync(directory, 0o700);
    assertPrivate(directory);
  } catch (error) {
    if (error instanceof RunnerError) throw error;
    throw new RunnerError(`--agent ${directory}: ${errorText(error)}`, { cause: error });
  }
  return {
    directory,
    lock: join(directory, "agent.lock"),
    agentSocket: join(directory, "agent.sock"),
    apiSocket: join(directory, "api.sock"),
    log: join(directory, "agent.log"),
  };
}

function assertPrivate(directory: string): void {
  const { uid, mode, isDirectory } = statOf(directory);
  if (!isDirectory) throw new RunnerError(`--agent ${directory}: not a folder`);
  if (uid !== process.geteuid?.()) {
    throw new RunnerError(`--agent ${directory}: belongs to user ${uid}, not to this one`);
  }
  if ((mode & 0o077) !== 0) {
    const octal = (mode & 0o777).toString(8);
    throw new RunnerError(`--agent ${directory}: others may enter it (mode ${octal}, not 700)`);
  }
}

/** Of the folder itself: a link may be led elsewhere by whoever made it. */
function statOf(directory: string): { uid: number; mode: number; isDirectory: boolean } {
  const stat = lstatSync(directory);
  return { uid: stat.uid, mode: stat.mode, isDirectory: stat.isDirectory() };
}
