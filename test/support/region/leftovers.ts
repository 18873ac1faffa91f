import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { killAll, processesOf, type FoundProcess } from "../processes.ts";

/** A folder per region that runs, or was not removed; it is made first and removed last. */
export const SLOTS_DIR = "/run/dispatch-cloud-regions";
const NETNS_DIR = "/run/netns";
const ENDED_WITHIN_MS = 5000;

export interface Leftovers {
  readonly processes: readonly FoundProcess[];
  readonly mounts: readonly string[];
  readonly links: readonly string[];
  readonly namespaces: readonly string[];
}

/** Of the links that this machine has for a region. */
export function groupOf(index: number): number {
  return 198_000 + index;
}

/** All that there is of a region, found by its names alone. */
export function leftoversOf(index: number): Leftovers {
  const namespaces = namesIn(NETNS_DIR).filter((name) => name.startsWith(`region${index}-`));
  const ofSlot = new RegExp(`^region${index}([a-z]\\d+)?$`);
  return {
    processes: [...processesIn(namespaces), ...processesOf([`/weather.py\0region${index}\0`])],
    mounts: mountsUnder(join(SLOTS_DIR, String(index))),
    links: namesIn("/sys/class/net").filter((name) => ofSlot.test(name)),
    namespaces,
  };
}

/** Does not return before all of it is gone; may be called again, and for a region that was never made. */
export function removeSlot(index: number): void {
  const giveUpAtMs = performance.now() + ENDED_WITHIN_MS;
  for (let left = leftoversOf(index); left.processes.length > 0; left = leftoversOf(index)) {
    killAll(left.processes);
    if (performance.now() > giveUpAtMs)
      throw new Error(
        `these outlive SIGKILL: ${left.processes.map((each) => each.command).join()}`,
      );
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  const { mounts, links, namespaces } = leftoversOf(index);
  if (mounts.length > 0) spawnSync("umount", ["--lazy", ...mounts]);
  // Links before namespaces: a veth whose peer went with its namespace was seen to stay for more than 10 s.
  // All links in one go: each alone waits for all cores, 25 ms when these are busy.
  const lines = [
    ...(links.length > 0 ? [`link del group ${groupOf(index)}`] : []),
    ...namespaces.map((name) => `netns del ${name}`),
  ];
  if (lines.length > 0) spawnSync("ip", ["-force", "-batch", "-"], { input: lines.join("\n") });
  rmSync(join(SLOTS_DIR, String(index)), { recursive: true, force: true });
}

/** Whatever put them there: children that lost their parents are found too. */
function processesIn(namespaces: readonly string[]): FoundProcess[] {
  if (namespaces.length === 0) return [];
  const marks = new Set(namespaces.map((name) => `net:[${inode(join(NETNS_DIR, name))}]`));
  return processesWhose("net", (mark) => marks.has(mark));
}

/** Processes of which a namespace, as /proc names it, is one of those asked for. */
export function processesWhose(
  namespace: "net" | "pid",
  isAskedFor: (mark: string) => boolean,
): FoundProcess[] {
  return namesIn("/proc")
    .filter((name) => /^\d+$/.test(name) && isAskedFor(link(`/proc/${name}/ns/${namespace}`)))
    .map((name) => ({ pid: Number(name), command: commandOf(name) }));
}

function mountsUnder(dir: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((path) => path.startsWith(`${dir}/`))
    .reverse();
}

function namesIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

function inode(path: string): number {
  try {
    return statSync(path).ino;
  } catch {
    // Deleted meanwhile.
    return 0;
  }
}

export function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // The process has ended.
    return "";
  }
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ").trim();
  } catch {
    return "";
  }
}
