import { mkdirSync, readdirSync, renameSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { openOutputLog, type OutputLog } from "./output-log.ts";
import { errorText, RunnerError } from "./paths.ts";

/** Logs and folders for one run of a command. */
export interface AttemptFiles {
  readonly stdout: OutputLog;
  readonly stderr: OutputLog;
  /** Fresh and empty. */
  readonly workDir: string;
}

const ROTATED = /^(stdout|stderr|work)\.(\d+)(\.log)?$/;

/**
 * Opens stdout.log and stderr.log and makes `work` in the container's folder. Those of the first attempt become
 * stdout.1.log, stderr.1.log and work.1, those of the second have a 2, and so on. Neither log grows beyond `logMaxBytes`;
 * 0: no limit.
 */
export function openAttemptFiles(folder: string, logMaxBytes: number): AttemptFiles {
  const names = readdirSync(folder);
  const current = ["stdout.log", "stderr.log", "work"].filter((name) => names.includes(name));
  const attempt = 1 + Math.max(0, ...names.map((name) => Number(ROTATED.exec(name)?.[2] ?? 0)));
  for (const name of current) {
    const [stem = name, ...suffix] = name.split(".");
    renameSync(join(folder, name), join(folder, [stem, attempt, ...suffix].join(".")));
  }
  const workDir = join(folder, "work");
  mkdirSync(workDir, { mode: 0o700 });
  return {
    stdout: openOutputLog(join(folder, "stdout.log"), logMaxBytes),
    stderr: openOutputLog(join(folder, "stderr.log"), logMaxBytes),
    workDir,
  };
}

/**
 * Where the command begins: `cwd` if it is absolute (it must exist), else `cwd` inside the fresh working folder. Throws
 * `RunnerError`.
 */
export function workingDirectory(cwd: string, workDir: string): string {
  if (isAbsolute(cwd)) {
    try {
      if (statSync(cwd).isDirectory()) return cwd;
    } catch (error) {
      throw new RunnerError(`working directory ${cwd}: ${errorText(error)}`, { cause: error });
    }
    throw new RunnerError(`working directory ${cwd}: not a directory`);
  }
  const path = resolve(workDir, cwd);
  if (relative(workDir, path).startsWith("..")) {
    throw new RunnerError(`working directory ${cwd}: leads out of the container's working folder`);
  }
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}
