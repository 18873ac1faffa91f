import { shellWord } from "../drivers/ssh/port.ts";
import type { InstanceType } from "../machines/model/instance-type.ts";
import type { Report } from "../machines/worker/worker.report.ts";

/** How crunch-run is called on a worker (specification §7.7 to §7.9). */
export interface RunnerCall {
  /** The remote command: deployed path, or CrunchRunCommand. */
  readonly runnerCommand: string;
  readonly remoteUser: string;
}

export function sudo(remoteUser: string): string {
  return remoteUser === "root" ? "" : "sudo ";
}

export function startCommand(
  { runnerCommand, remoteUser }: RunnerCall,
  options: { runtimeEngine: string; extraArguments: readonly string[]; containerId: string },
): string {
  const { runtimeEngine, extraArguments, containerId } = options;
  const quoted = [`--runtime-engine=${runtimeEngine}`, ...extraArguments, containerId].map(
    shellWord,
  );
  return `${sudo(remoteUser)}${runnerCommand} --detach --stdin-config ${quoted.join(" ")}`;
}

export function listCommand({ runnerCommand, remoteUser }: RunnerCall): string {
  return `${sudo(remoteUser)}${runnerCommand} --list`;
}

/** Without sudo: its sockets have to be this login's, by which SSH reaches them, and root's runners reach them all the same. */
export function agentCommand({ runnerCommand }: RunnerCall): string {
  return `${runnerCommand} --agent default`;
}

/** What the agent's start answers; undefined for what is no such answer. */
export function parseAgentPlace(stdout: string): AgentPlace | undefined {
  try {
    const { AgentSocket: agentSocket, ApiSocket: apiSocket } = JSON.parse(stdout) as Record<
      string,
      unknown
    >;
    const isPlace = typeof agentSocket === "string" && typeof apiSocket === "string";
    return isPlace ? { agentSocket, apiSocket } : undefined;
  } catch {
    return undefined;
  }
}

/** The agent's sockets on a worker: for the dispatcher, and for the runners there. */
export interface AgentPlace {
  readonly agentSocket: string;
  readonly apiSocket: string;
}

/** `answered`: the worker did not start it; otherwise it could not be asked. `runnerSum`: "" where no runner is deployed. */
export type AgentStart =
  | { readonly ok: true; readonly place: AgentPlace; readonly runnerSum: string }
  | { readonly ok: false; readonly answered: boolean; readonly error: string };

export function killCommand(
  { runnerCommand, remoteUser }: RunnerCall,
  options: { signal: number; containerId: string },
): string {
  return `${sudo(remoteUser)}${runnerCommand} --kill ${options.signal} ${options.containerId}`;
}

/** Copies the runner's binary, given on stdin; the mode is set first, so that a correct sum implies a correct mode. */
export function deployCommand(call: RunnerCall): string {
  return asRoot(call, [
    "set -e",
    ...destination(call),
    'mkdir -p "$dstdir"',
    'touch "$dstfile"',
    'chmod 0755 "$dstdir" "$dstfile"',
    'cat >"$dstfile"',
  ]);
}

/** Succeeds where `installCommand` can unpack what it is sent. */
export function gzipLookup(call: RunnerCall): string {
  return asRoot(call, ["command -v gzip"]);
}

/**
 * Copies a binary that takes long, given on stdin: under another name until it is whole, so that the path never names a part of it,
 * nor does a runner that is being executed get written to.
 */
export function installCommand(
  call: RunnerCall,
  { md5, isGzipped }: { readonly md5: string; readonly isGzipped: boolean },
): string {
  return asRoot(call, [
    "set -e",
    ...destination(call),
    'mkdir -p "$dstdir"',
    'tmp=$(mktemp "$dstfile.XXXXXX")',
    `trap 'rm -f "$tmp"' EXIT`,
    'chmod 0755 "$dstdir" "$tmp"',
    `${isGzipped ? "gzip -dc" : "cat"} >"$tmp"`,
    `[ "$(md5sum <"$tmp")" = "${md5}  -" ] || { echo "what arrived has another checksum" >&2; exit 1; }`,
    // An older sync takes no file, and syncs all.
    'sync "$tmp" 2>/dev/null || sync',
    'mv -f "$tmp" "$dstfile"',
  ]);
}

function destination({ runnerCommand }: RunnerCall): string[] {
  const directory = runnerCommand.slice(0, runnerCommand.lastIndexOf("/") + 1);
  return [`dstdir="${directory}"`, `dstfile="${runnerCommand}"`];
}

function asRoot({ remoteUser }: RunnerCall, statements: readonly string[]): string {
  const script = statements.join("; ");
  return remoteUser === "root" ? script : `sudo sh -c ${shellWord(script)}`;
}

/** Reads what `crunch-run --list` prints (specification §7.8). Lines of other clusters and of unknown form are passed over. */
export function parseListing(stdout: string, clusterId: string): Report {
  if (stdout === "") return IDLES;
  const containerIds = new Set<string>();
  const staleIds = new Set<string>();
  let broken = false;
  const ours = `${clusterId}-`;
  for (const line of stdout.split("\n")) {
    if (line === "broken") broken = true;
    if (!line.startsWith(ours)) continue;
    if (CONTAINER_ID.test(line)) containerIds.add(line);
    else if (line.endsWith(STALE) && CONTAINER_ID.test(line.slice(0, -STALE.length)))
      staleIds.add(line);
  }
  return {
    containerIds: [...containerIds].sort(),
    broken,
    stale: staleIds.size > 0,
    reportedCount: containerIds.size + staleIds.size,
  };
}

const IDLES: Report = { containerIds: [], broken: false, stale: false, reportedCount: 0 };
const CONTAINER_ID = /^[a-z0-9]{5}-[a-z0-9]{5}-[a-z0-9]{15}$/;
const STALE = " stale";

/** What crunch-run reads from its standard input (specification §7.7). Holds secrets: never logged, never journaled. */
export interface StdinConfig {
  readonly Env: Readonly<Record<string, string>>;
  readonly KeepBuffers: number;
  readonly EC2SpotCheck: boolean;
  readonly Cluster: unknown;
}

export interface StdinOptions {
  readonly containerId: string;
  readonly instanceType: InstanceType;
  readonly instanceAddress: string;
  readonly apiHost: string;
  /** Where a runner on this machine finds the API's address after a restart: `daemon.json`. */
  readonly apiHostFile?: string | undefined;
  /** With which it talks to the API. */
  readonly apiToken: string;
  /** Only to derive from; it is not sent. */
  readonly systemRootToken: string;
  readonly insecure: boolean;
  readonly driver: string;
  readonly localKeepBlobBuffersPerVcpu: number;
  /** The whole cluster configuration; sent only when a local keepstore is wanted. */
  readonly clusterConfig: unknown;
  readonly hmacHex: (key: string, message: string) => string;
  /** Of the output of a container; only for our own runner. */
  readonly logMaxBytes?: number | undefined;
}

export function stdinConfig(options: StdinOptions): StdinConfig {
  const { instanceType, systemRootToken, localKeepBlobBuffersPerVcpu: buffers } = options;
  return {
    Env: {
      ARVADOS_API_HOST: options.apiHost,
      ...(options.apiHostFile ? { ARVADOS_API_HOST_FILE: options.apiHostFile } : {}),
      ARVADOS_API_TOKEN: options.apiToken,
      ...(options.insecure ? { ARVADOS_API_HOST_INSECURE: "1" } : {}),
      ...(options.logMaxBytes ? { CRUNCH_RUN_LOG_MAX_BYTES: String(options.logMaxBytes) } : {}),
      GatewayAddress: gatewayAddress(options.instanceAddress),
      GatewayAuthSecret: options.hmacHex(systemRootToken, options.containerId),
      InstanceType: `${JSON.stringify(instanceTypeJson(instanceType), null, 4)}\n`,
    },
    KeepBuffers: buffers > 0 ? buffers * instanceType.vcpus : 0,
    EC2SpotCheck: options.driver === "ec2" && instanceType.preemptible,
    Cluster: buffers > 0 ? options.clusterConfig : null,
  };
}

/** The instance's host, and port 0: crunch-run chooses one. */
export function gatewayAddress(address: string): string {
  const bracketed = /^\[(.*)\](?::\d*)?$/.exec(address);
  if (bracketed) return `[${bracketed[1]}]:0`;
  const colons = address.split(":").length - 1;
  if (colons > 1) return `[${address}]:0`;
  return `${colons === 1 ? address.slice(0, address.indexOf(":")) : address}:0`;
}

/** As in the API and in crunch-run's environment (specification §1.4): neither name nor scratch. */
export function instanceTypeJson(type: InstanceType): Record<string, unknown> {
  const { gpu } = type;
  return {
    ProviderType: type.providerType,
    VCPUs: type.vcpus,
    RAM: type.ram,
    IncludedScratch: type.includedScratch,
    AddedScratch: type.addedScratch,
    Price: type.price,
    Preemptible: type.preemptible,
    GPU: {
      Stack: gpu.stack,
      DriverVersion: gpu.driverVersion,
      HardwareTarget: gpu.hardwareTarget,
      DeviceCount: gpu.deviceCount,
      VRAM: gpu.vram,
    },
  };
}
