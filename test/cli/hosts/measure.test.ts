import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseFacts } from "../../../src/cli/hosts/facts.ts";
import { INSTALL_KEY_SCRIPT } from "../../../src/cli/hosts/install-key.ts";
import { lacksOf } from "../../../src/cli/hosts/lacks.ts";
import { MEASURE_SCRIPT } from "../../../src/cli/hosts/measure-script.ts";
import { makeTempDir } from "../test-io.ts";
import { facts, GIB } from "./facts.ts";

const ANSWER = `uid 1000
root no
arch aarch64
glibc glibc 2.28
libstdc++ /lib/libstdc++.so.6
cpus 8
memory 16384000
scratch 52428800
room 65536
machine 0123456789abcdef0123456789abcdef
missing gzip
writable claim /home/alice/.local/state/dispatch-cloud
unwritable lock /var/lock
writable data /home/alice/my data
cuda 12.2
gpu 8.9, 24564
gpu 7.5, 15360
gpu [N/A], [N/A]
end
`;
const LOGIN = { user: "alice", host: "box1", address: "box1" };
const lacks = (change: Parameters<typeof facts>[0], runnerArch?: string) =>
  lacksOf(facts(change), LOGIN, { runnerArch });

describe("what a host tells of itself", () => {
  it("is read line by line", () => {
    expect(parseFacts(ANSWER)).toEqual({
      uid: 1000,
      mayBeRoot: false,
      arch: "aarch64",
      glibc: "2.28",
      hasLibstdcxx: true,
      cpus: 8,
      memoryBytes: 16_384_000 * 1024,
      scratchBytes: 50 * GIB,
      runnerRoomBytes: GIB / 16,
      machineId: "0123456789abcdef0123456789abcdef",
      missing: ["gzip"],
      directories: [
        { name: "claim", path: "/home/alice/.local/state/dispatch-cloud", isWritable: true },
        { name: "data", path: "/home/alice/my data", isWritable: true },
        { name: "lock", path: "/var/lock", isWritable: false },
      ],
      cuda: "12.2",
      gpus: [
        { computeCapability: "8.9", memoryBytes: 24_564 * 1024 ** 2 },
        { computeCapability: "7.5", memoryBytes: 15 * GIB },
      ],
    });
  });

  it("is believed only when it is whole", () => {
    expect(() => parseFacts("uid 0\n")).toThrow("the answer is cut");
    expect(() => parseFacts(ANSWER.replace("cpus 8", "cpus"))).toThrow('its cpus is ""');
  });

  it("is what the script prints, which changes nothing", () => {
    const folder = join(makeTempDir(), "not/there");
    const found = parseFacts(
      execFileSync("sh", ["-s", "--", `${folder}/claims`, "", `${folder}/runner`], {
        input: MEASURE_SCRIPT,
        encoding: "utf8",
      }),
    );
    expect(found).toMatchObject({ uid: process.getuid?.(), missing: [] });
    expect(found.cpus).toBeGreaterThan(0);
    expect(found.memoryBytes).toBeGreaterThan(GIB / 4);
    expect(found.directories).toContainEqual({
      name: "claim",
      path: `${folder}/claims`,
      isWritable: true,
    });
    expect(() => execFileSync("ls", [folder], { stdio: "ignore" })).toThrow();
  });
});

describe("what a host lacks", () => {
  it("is nothing, of one that has all", () => {
    expect(lacks({}, "x86_64")).toEqual([]);
    expect(lacks({ arch: "aarch64", glibc: "2.28" })).toEqual([]);
  });

  it.each([
    [{ arch: "riscv64" }, "its processor is riscv64"],
    [{ glibc: "" }, "it has no glibc"],
    [{ glibc: "2.27" }, "its glibc is 2.27"],
    [{ glibc: "1.99" }, "its glibc is 1.99"],
  ])("rules it out for good: %o", (change, what) => {
    const [lack] = lacks(change);
    expect(lack).toMatchObject({ isFinal: true, what: expect.stringContaining(what) });
  });

  it.each([
    [{ missing: ["flock"] }, "flock is missing", "apt-get install util-linux"],
    [{ missing: ["md5sum"] }, "md5sum is missing", "apt-get install coreutils"],
    [{ hasLibstdcxx: false }, "libstdc++.so.6 is missing", "apt-get install libstdc++6"],
    [{ mayBeRoot: false }, "alice is not root", "sudoers.d"],
    [{ runnerRoomBytes: GIB / 16 }, "64MiB are free for the runner", "DeployRunnerDirectory"],
    [{ scratchBytes: GIB / 2 }, "512MiB are free", "make room"],
    [
      { directories: [{ name: "lock", path: "/var/lock", isWritable: false }] },
      "/var/lock, for the lock, cannot be written",
      "chmod 1777 /var/lock",
    ],
    [
      { directories: [{ name: "data", path: "/data", isWritable: false }] },
      "/data, for data, cannot be written",
      "chown alice /data",
    ],
  ])("comes with what mends it: %o", (change, what, mend) => {
    expect(lacks(change)).toEqual([
      {
        isFinal: false,
        what: expect.stringContaining(what),
        mend: expect.stringContaining(mend),
      },
    ]);
  });

  it("is a runner for its processor, where the one that is copied is for another", () => {
    expect(lacks({ arch: "aarch64" }, "x86_64")).toEqual([
      expect.objectContaining({ mend: expect.stringContaining("--arch arm64") }),
    ]);
  });
});

describe("the dispatcher's key", () => {
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey";
  const install = (home: string): string =>
    execFileSync("sh", ["-s", "--", line], {
      input: INSTALL_KEY_SCRIPT,
      env: { ...process.env, HOME: home },
      encoding: "utf8",
    }).trim();
  const read = (home: string): string =>
    execFileSync("cat", [join(home, ".ssh/authorized_keys")], { encoding: "utf8" });

  it("is added once, on a line of its own, to a file that only its owner may write", () => {
    const home = makeTempDir();
    expect([install(home), install(home)]).toEqual(["added", "present"]);
    expect(read(home)).toBe(`${line}\n`);
    const modes = execFileSync("stat", [
      "-c",
      "%a",
      `${home}/.ssh`,
      `${home}/.ssh/authorized_keys`,
    ]);
    expect(modes.toString()).toBe("700\n600\n");
  });

  it("leaves what is there, also where the last line lacks its end, and is not taken for one that is commented out", () => {
    const home = makeTempDir();
    mkdirSync(join(home, ".ssh"));
    writeFileSync(join(home, ".ssh/authorized_keys"), `# ${line}\nssh-rsa AAAAB3 alice`);
    expect(install(home)).toBe("added");
    expect(read(home)).toBe(`# ${line}\nssh-rsa AAAAB3 alice\n${line}\n`);
  });
});
