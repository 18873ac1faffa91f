import { readFileSync } from "node:fs";

const VMSTAT = "/proc/vmstat";
/** What a command's own end by SIGKILL is, or that of the last one that a shell waited for. */
const KILLED = 137;

/** How many processes of this machine the kernel has ended for want of memory so far; undefined where it does not tell. */
export function oomKillsCount(): number | undefined {
  try {
    const [, count] = /^oom_kill (\d+)$/m.exec(readFileSync(VMSTAT, "utf8")) ?? [];
    return count === undefined ? undefined : Number(count);
  } catch {
    return undefined;
  }
}

/** What there is to say of a command that was killed while the kernel ended processes for want of memory; else "". */
export function outOfMemory(exitCode: number, countBefore: number | undefined): string {
  if (exitCode !== KILLED || countBefore === undefined) return "";
  const count = (oomKillsCount() ?? countBefore) - countBefore;
  if (count <= 0) return "";
  const what = count === 1 ? "a process" : `${count} processes`;
  return `out of memory: the kernel ended ${what} of this machine for want of memory while the command ran`;
}
