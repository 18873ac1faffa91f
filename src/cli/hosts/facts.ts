const KIB = 1024;
const MIB = 1024 * KIB;

export interface GpuFacts {
  /** `8.9`. */
  readonly computeCapability: string;
  readonly memoryBytes: number;
}

export interface DirectoryFacts {
  /** `claim`, `lock`, `data` (of containers) or `runner`. */
  readonly name: string;
  readonly path: string;
  readonly isWritable: boolean;
}

/** What a host has told of itself. */
export interface HostFacts {
  readonly uid: number;
  /** It is root, or `sudo` asks it for no password. */
  readonly mayBeRoot: boolean;
  /** As `uname -m` has it. */
  readonly arch: string;
  /** `2.36`; "" where there is none. */
  readonly glibc: string;
  readonly hasLibstdcxx: boolean;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Free, where containers will have their folders. */
  readonly scratchBytes: number;
  /** Free, where the runner is copied to. */
  readonly runnerRoomBytes: number;
  /** "" where it has none. */
  readonly machineId: string;
  readonly missing: readonly string[];
  readonly directories: readonly DirectoryFacts[];
  /** The newest CUDA that its driver serves; "" where that is not known. */
  readonly cuda: string;
  readonly gpus: readonly GpuFacts[];
}

/** Reads what `MEASURE_SCRIPT` prints. Throws a sentence for what is no answer of it. */
export function parseFacts(stdout: string): HostFacts {
  const lines = new Map<string, string[]>();
  for (const line of stdout.split("\n")) {
    const [, name = "", value = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    lines.set(name, [...(lines.get(name) ?? []), value.trim()]);
  }
  if (!lines.has("end")) throw new Error("it did not answer as expected: the answer is cut");
  const first = (name: string): string => lines.get(name)?.[0] ?? "";
  const number = (name: string): number => {
    const text = first(name);
    if (/^\d+$/.test(text)) return Number(text);
    throw new Error(`it did not answer as expected: its ${name} is ${JSON.stringify(text)}`);
  };
  const directories = (kind: "writable" | "unwritable"): DirectoryFacts[] =>
    (lines.get(kind) ?? []).map((value) => {
      const [name = "", ...path] = value.split(" ");
      return { name, path: path.join(" "), isWritable: kind === "writable" };
    });
  return {
    uid: number("uid"),
    mayBeRoot: first("root") === "yes",
    arch: first("arch"),
    glibc: /^glibc (\d+\.\d+)/.exec(first("glibc"))?.[1] ?? "",
    hasLibstdcxx: lines.has("libstdc++"),
    cpus: number("cpus"),
    memoryBytes: number("memory") * KIB,
    scratchBytes: number("scratch") * KIB,
    runnerRoomBytes: number("room") * KIB,
    machineId: first("machine"),
    missing: lines.get("missing") ?? [],
    directories: [...directories("writable"), ...directories("unwritable")],
    cuda: /^\d+(\.\d+)?$/.test(first("cuda")) ? first("cuda") : "",
    gpus: (lines.get("gpu") ?? []).flatMap(parseGpu),
  };
}

/** `8.9, 24564`: the compute capability, and MiB. */
function parseGpu(line: string): GpuFacts[] {
  const [, computeCapability = "", mib = ""] = /^(\d+\.\d+), *(\d+)$/.exec(line) ?? [];
  return mib === "" ? [] : [{ computeCapability, memoryBytes: Number(mib) * MIB }];
}
