import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface FoundProcess {
  readonly pid: number;
  /** Its command line, for messages. */
  readonly command: string;
}

/** Processes of this machine that name one of the marks in their command line, environment or working folder. */
export function processesOf(marks: readonly string[]): FoundProcess[] {
  const found: FoundProcess[] = [];
  for (const name of readdirSync("/proc")) {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const command = read(`/proc/${pid}/cmdline`);
    const texts = [command, read(`/proc/${pid}/environ`), `${workingFolder(pid)}/`];
    // One that has ended and waits for its parent has no command line.
    if (command === "" || !texts.some((text) => marks.some((mark) => text.includes(mark))))
      continue;
    found.push({ pid, command: command.replaceAll("\0", " ").trim() });
  }
  return found;
}

export function killAll(processes: readonly FoundProcess[]): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It ended meanwhile.
    }
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // It ended meanwhile.
    return "";
  }
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}
