import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { delimiter, join } from "node:path";
import { tmpdir, userInfo } from "node:os";

/** Beyond a region itself: another clock needs libfaketime, weather needs Python. */
export type Ability = "clock" | "weather";

const SSHD = "/usr/sbin/sshd";
const COMMANDS = ["ip", "mount", "nsenter", "pivot_root", "setpriv", "sh", "umount", "unshare"];

/** All that a region does to the kernel, once, in namespaces that end with it. */
const TRIAL = `
mount -t tmpfs tmpfs "$1" && cd "$1" && mkdir upper work root &&
mount -t overlay -o lowerdir=/,upperdir="$1/upper",workdir="$1/work" overlay root &&
mount -t proc proc root/proc &&
ip link add name trial type bridge &&
ip link add name trialv type veth peer name trialw`;

let ofRegion: string | undefined | null = null;

/** What keeps a region, or one of its abilities, from working here; undefined if nothing does. */
export function whatIsMissing(ability?: Ability): string | undefined {
  if (ofRegion === null) ofRegion = missingForAny();
  if (ofRegion !== undefined || ability === undefined) return ofRegion;
  if (ability === "clock" && !clockLibrary()) return "there is no libfaketime (package faketime)";
  if (ability === "weather" && !inPath("python3")) return "there is no python3";
  return undefined;
}

/** The build for programs of more than one thread, such as Node. */
export function clockLibrary(): string | undefined {
  const folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64"];
  return folders.map((each) => join(each, "faketime/libfaketimeMT.so.1")).find(existsSync);
}

function missingForAny(): string | undefined {
  if (process.platform !== "linux") return "a region takes Linux and its namespaces";
  if (userInfo().uid !== 0) return "only root may make the network namespaces of a region";
  if (!existsSync(SSHD)) return `there is no OpenSSH server at ${SSHD}`;
  if (!/^sshd:/m.test(readFileSync("/etc/passwd", "utf8"))) return "sshd needs the user sshd";
  const absent = COMMANDS.filter((command) => !inPath(command));
  if (absent.length > 0) return `a region takes the commands ${absent.join(", ")}`;
  return refusalOfKernel();
}

/** Root in a container may be refused what root may do elsewhere. */
function refusalOfKernel(): string | undefined {
  const dir = mkdtempSync(join(tmpdir(), "region-trial-"));
  const flags = ["--net", "--pid", "--fork", "--kill-child", "--mount", "--uts", "--ipc"];
  const { status, stderr } = spawnSync("unshare", [...flags, "sh", "-c", TRIAL, "sh", dir], {
    encoding: "utf8",
  });
  rmSync(dir, { recursive: true });
  return status === 0 ? undefined : `the kernel refuses a region: ${stderr.trim()}`;
}

function inPath(command: string): boolean {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  return folders.some((folder) => existsSync(join(folder, command)));
}
