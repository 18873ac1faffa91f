import { openHost, type HostsFile } from "./hosts-file.ts";
import { SshError } from "../../drivers/ssh/port.ts";
import type { HostFacts } from "./facts.ts";
import { lacksOf, type Lack } from "./lacks.ts";
import { parseLogin, type Login } from "./login.ts";
import { measureHost } from "./reach.ts";
import { runnerArch } from "./runner-arch.ts";
import { statusOf, type HostStatus } from "./status.ts";

export interface CheckedHost {
  readonly name: string;
  readonly lacks: readonly Lack[];
  /** Undefined where it could not be asked. */
  readonly facts: HostFacts | undefined;
  readonly status: HostStatus | undefined;
}

/** All at once. */
export async function checkHosts(
  hosts: HostsFile,
  names: readonly string[],
): Promise<CheckedHost[]> {
  return withTwins(await Promise.all(names.map((name) => checkHost(hosts, name))));
}

/** All that shows without changing anything there. */
async function checkHost(hosts: HostsFile, name: string): Promise<CheckedHost> {
  const { config } = hosts.file;
  const host = openHost(hosts, name);
  const { address, user } = host.parameters;
  const login: Login = loginOf(user, address);
  const ssh = hosts.openSsh({ address, remoteUser: user }, async (key) => host.verify(key));
  let facts: HostFacts;
  try {
    facts = await measureHost(ssh, hosts.parameters, config);
  } catch (cause) {
    return { name, lacks: [unreached(name, login, cause)], facts: undefined, status: undefined };
  } finally {
    ssh.close();
    host.close();
  }
  const status = await statusOf(hosts, name);
  const lacks = lacksOf(facts, login, { runnerArch: runnerArch(config) });
  // That the claim's place cannot be written is said by `lacksOf`, with what mends it.
  const isSaid = lacks.some(({ what }) => what.includes("the claim") || what.startsWith("flock"));
  if (status.state === "unreachable" && !isSaid)
    lacks.push({ what: status.reason, mend: "see what it says", isFinal: false });
  return { name, lacks, facts, status };
}

/** Two hosts of a config that are one machine: of these, all but the first lack a machine of their own. */
function withTwins(checked: readonly CheckedHost[]): CheckedHost[] {
  const seen = new Map<string, string>();
  return checked.map((host) => {
    const machineId = host.facts?.machineId ?? "";
    const other = seen.get(machineId);
    if (machineId !== "" && other === undefined) seen.set(machineId, host.name);
    if (other === undefined) return host;
    const what = `it is the same machine as ${other}`;
    const mend = `dispatch-cloud hosts forget ${host.name}`;
    return { ...host, lacks: [...host.lacks, { what, mend, isFinal: true }] };
  });
}

function unreached(name: string, { user, address }: Login, cause: unknown): Lack {
  const what = cause instanceof Error ? cause.message : String(cause);
  return { what, mend: mendOf(cause, { name, user, address }), isFinal: false };
}

function mendOf(
  cause: unknown,
  { name, user, address }: { name: string; user: string; address: string },
): string {
  const code = cause instanceof SshError ? cause.code : "";
  if (code === "hostKey") return `dispatch-cloud hosts accept ${name}, if it was set up anew`;
  if (code === "auth") return `dispatch-cloud hosts add ${user}@${address}`;
  if (code === "network" || code === "timeout" || code === "lost")
    return `switch it on, or see why it cannot be reached; lost for good: dispatch-cloud hosts forget ${name}`;
  return `see what it says to: ssh ${user}@${address}`;
}

/** The config may name what no command line would: IPv6 without brackets. */
function loginOf(user: string, address: string): Login {
  try {
    return parseLogin(`${user}@${address}`);
  } catch {
    return { user, host: address, address };
  }
}
