import { formatSize } from "../../machines/model/amounts.ts";
import type { HostFacts } from "./facts.ts";
import type { Login } from "./login.ts";

/** Something that a host needs and has not. */
export interface Lack {
  readonly what: string;
  /** The command, or else the words, that mend it. */
  readonly mend: string;
  /** It can serve as no host at all. */
  readonly isFinal: boolean;
}

export interface Needs {
  /** Of the runner that is copied to it; undefined where its owner says which one that is. */
  readonly runnerArch: string | undefined;
}

/** The runner is Node as nodejs.org builds it (docs/crunch-run.md). */
const GLIBC_MIN = "2.28";
const ARCHS = ["x86_64", "aarch64"];
const SCRATCH_MIN_BYTES = 1024 ** 3;
/** It is 87 to 99 MB (docs/crunch-run.md). */
const RUNNER_ROOM_BYTES = 128 * 1024 ** 2;

/** By which of Debian's and Fedora's packages a command comes; the two name these alike. */
const PACKAGE_OF: Readonly<Record<string, string>> = {
  flock: "util-linux",
  setsid: "util-linux",
  gzip: "gzip",
  find: "findutils",
  awk: "gawk",
};

export function lacksOf(facts: HostFacts, login: Login, { runnerArch }: Needs): Lack[] {
  return [
    ...platformLacks(facts, runnerArch),
    ...toolLacks(facts, login),
    ...placeLacks(facts, login),
  ];
}

function platformLacks({ arch, glibc, hasLibstdcxx }: HostFacts, runnerArch?: string): Lack[] {
  const lacks: Lack[] = [];
  const other = "use another machine: the runner is made for x86-64 and arm64 Linux";
  if (!ARCHS.includes(arch))
    lacks.push({ what: `its processor is ${arch || "unknown"}`, mend: other, isFinal: true });
  if (glibc === "")
    lacks.push({
      what: "it has no glibc (Alpine and other systems with musl have none)",
      mend: `use a system with glibc ${GLIBC_MIN} or newer, such as Debian 10 or RHEL 8`,
      isFinal: true,
    });
  else if (isOlder(glibc, GLIBC_MIN))
    lacks.push({
      what: `its glibc is ${glibc}`,
      mend: `upgrade its system: the runner needs glibc ${GLIBC_MIN} or newer, as Debian 10 and RHEL 8 have`,
      isFinal: true,
    });
  if (!hasLibstdcxx && glibc !== "")
    lacks.push({
      what: "libstdc++.so.6 is missing",
      mend: "apt-get install libstdc++6, or: dnf install libstdc++",
      isFinal: false,
    });
  if (ARCHS.includes(arch) && runnerArch !== undefined && arch !== runnerArch)
    lacks.push({
      what: `its processor is ${arch}, and the runner that is copied to it is for ${runnerArch}`,
      mend:
        arch === "aarch64"
          ? "npm run build:runner -- --arch arm64, then Containers.CloudVMs.DeployRunnerBinary: /…/dist/runner/crunch-run-arm64"
          : "build the runner on such a machine, and name it in Containers.CloudVMs.DeployRunnerBinary",
      isFinal: false,
    });
  return lacks;
}

function toolLacks({ missing, mayBeRoot }: HostFacts, login: Login): Lack[] {
  const lacks = missing.map((tool) => {
    const name = PACKAGE_OF[tool] ?? "coreutils";
    const mend = `apt-get install ${name}, or: dnf install ${name}`;
    return { what: `${tool} is missing`, mend, isFinal: false };
  });
  if (!mayBeRoot)
    lacks.push({
      what: `${login.user} is not root, and sudo without a password does not work: no container can be started`,
      mend: `echo '${login.user} ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/dispatch-cloud, as root; or add root@${login.address}`,
      isFinal: false,
    });
  return lacks;
}

function placeLacks(
  { directories, scratchBytes, runnerRoomBytes }: HostFacts,
  { user }: Login,
): Lack[] {
  const lacks = directories
    .filter(({ isWritable }) => !isWritable)
    .map(({ name, path }) => ({
      what: `${path}, for ${name === "lock" || name === "claim" ? `the ${name}` : name}, cannot be written`,
      mend: name === "lock" ? `chmod 1777 ${path}, as root` : `chown ${user} ${path}, as root`,
      isFinal: false,
    }));
  const pathOf = (wanted: string): string =>
    directories.find(({ name }) => name === wanted)?.path ?? "";
  if (scratchBytes < SCRATCH_MIN_BYTES) {
    const what = `${formatSize(scratchBytes)} are free for containers, at ${pathOf("data")}`;
    lacks.push({ what, mend: "make room, or mount a disk there", isFinal: false });
  }
  if (runnerRoomBytes < RUNNER_ROOM_BYTES)
    lacks.push({
      what: `${formatSize(runnerRoomBytes)} are free for the runner, at ${pathOf("runner")}`,
      mend: "Containers.CloudVMs.DeployRunnerDirectory: /var/tmp/dispatch-cloud, in the config; or make room",
      isFinal: false,
    });
  return lacks;
}

function isOlder(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [majorMin = 0, minorMin = 0] = than.split(".").map(Number);
  return major < majorMin || (major === majorMin && minor < minorMin);
}
