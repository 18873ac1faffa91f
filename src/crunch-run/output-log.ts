import { execFileSync } from "node:child_process";
import { closeSync, constants, openSync, rmSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { errorText } from "./paths.ts";

/** Where a command writes to; what it writes lands in a file that does not grow beyond a bound. */
export interface OutputLog {
  /** For the command; to be closed here once it has it. */
  readonly fd: number;
  /** Once no process of the command is left: resolves with how many bytes were cut. */
  finish(): Promise<number>;
}

/** For what is still on its way when the last process is gone. */
const DRAIN_MS = 5_000;

/**
 * Opens a log file to append to. With a bound the command gets a pipe, which this process empties whatever happens: what
 * comes beyond `maxBytes` is counted and dropped, and a last line in the file says so. 0: no bound, the file itself.
 */
export function openOutputLog(path: string, maxBytes: number): OutputLog {
  const file = openSync(path, "a", 0o600);
  if (maxBytes === 0) return { fd: file, finish: async () => 0 };
  const pipe = openPipe(`${path}.pipe`);
  let leftBytes = maxBytes;
  let cutBytes = 0;
  let failure = "";
  const keep = (chunk: Buffer): void => {
    const kept = chunk.subarray(0, leftBytes);
    try {
      for (let at = 0; at < kept.length;) {
        const count = writeSync(file, kept, at);
        at += count;
        leftBytes -= count;
        cutBytes -= count;
      }
    } catch (error) {
      // A full disk must not end a container.
      failure ||= errorText(error);
    }
    cutBytes += chunk.length;
  };
  const ended = new Promise<void>((resolve) => {
    pipe.reader.on("data", keep);
    pipe.reader.on("error", (error) => (failure ||= errorText(error)));
    pipe.reader.on("close", () => resolve());
  });
  return {
    fd: pipe.fd,
    async finish() {
      const timer = setTimeout(() => pipe.reader.destroy(), DRAIN_MS);
      await ended;
      clearTimeout(timer);
      if (cutBytes > 0) tell(file, cutText(cutBytes, maxBytes, failure));
      closeSync(file);
      return cutBytes;
    },
  };
}

function cutText(cutBytes: number, maxBytes: number, failure: string): string {
  const why =
    failure === "" ? `beyond the limit of ${maxBytes} (DispatchCloud.Logs.MaxBytes)` : failure;
  return `\n[crunch-run: ${cutBytes} bytes of output were cut: ${why}]\n`;
}

function tell(file: number, text: string): void {
  try {
    writeSync(file, text);
  } catch {
    // The disk is full: the runner's own log has it.
  }
}

/** A pipe of the file system, not a socket: a command may open /dev/stdout anew. Its name is gone when this returns. */
function openPipe(path: string): { fd: number; reader: Socket } {
  rmSync(path, { force: true });
  execFileSync("mkfifo", ["-m", "600", path]);
  try {
    const readFd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const fd = openSync(path, constants.O_WRONLY);
    return { fd, reader: new Socket({ fd: readFd, readable: true, writable: false }) };
  } finally {
    rmSync(path, { force: true });
  }
}
