import { isSea } from "node:sea";

/** The part of `process` that tells how this program was started. */
type Started = Pick<NodeJS.Process, "execPath" | "execArgv" | "argv">;

/**
 * How to start this program again, before its own arguments. As one executable it is its own file; else Node, its options and the
 * script. Of an executable `argv[1]` is the name as it was typed, which names no script and perhaps no file of this folder.
 */
export function selfCommand(started: Started, isExecutable = isSea()): string[] {
  if (isExecutable) return [started.execPath];
  const [, script = ""] = started.argv;
  return [started.execPath, ...started.execArgv, script];
}
