import { join } from "node:path";
import { instanceSetId } from "../../config/instance-set-id.ts";
import { KnownClaims } from "../../drivers/cloud/static/known-claims.ts";
import { staticParameters, type StaticParameters } from "../../drivers/cloud/static/parameters.ts";
import { Host } from "../../drivers/cloud/static/host.ts";
import { dataDirOf, tokensOf } from "../connection.ts";
import { readPrivateKey } from "../daemon/secrets.ts";
import { CliError } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { openConfigFile, type ConfigFile } from "./config-file.ts";
import { makeOpenSsh, type OpenSsh } from "./ssh.ts";

/** The hosts of a config, and what their dispatcher logs in with. */
export interface HostsFile {
  readonly file: ConfigFile;
  readonly dataDir: string;
  readonly parameters: StaticParameters;
  /** Of this config's dispatcher; undefined before its first start, and before the first `hosts add`. */
  readonly setId: string | undefined;
  readonly openSsh: OpenSsh;
  readonly known: KnownClaims;
}

/** Of a config that has hosts. Nothing is made. Throws `CliError`. */
export function openHostsFile(flag: string | undefined, io: Io): HostsFile {
  const file = openConfigFile(flag, { io, mayMake: false });
  const { config, path } = file;
  const { driver } = config.containers.cloudVMs;
  if (driver !== "static")
    throw new CliError(
      `${path} has no hosts: its driver is ${driver}; dispatch-cloud hosts add USER@HOST sets them up`,
    );
  const dataDir = dataDirOf(config, io);
  const privateKey = readPrivateKey(
    config.containers.dispatchPrivateKey,
    join(dataDir, "dispatch_key"),
  );
  return hostsFile(file, { dataDir, privateKey, token: tokensOf(config, dataDir).systemRootToken });
}

export function hostsFile(
  file: ConfigFile,
  { dataDir, privateKey, token }: { dataDir: string; privateKey: string; token: string },
): HostsFile {
  return {
    file,
    dataDir,
    parameters: parametersOf(file),
    setId: token === "" ? undefined : instanceSetId(token),
    openSsh: makeOpenSsh(file.config, { privateKey }),
    known: new KnownClaims(join(dataDir, "static", "claims.json")),
  };
}

/** Of another driver, there are no hosts. */
function parametersOf({ config, path }: ConfigFile): StaticParameters {
  const { driver, driverParameters } = config.containers.cloudVMs;
  const parsed = staticParameters.safeParse(driver === "static" ? driverParameters : { Hosts: {} });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const where = ["DriverParameters", ...(issue?.path ?? [])].join(".");
  throw new CliError(`${path} is not usable: ${where}: expected ${issue?.message}`);
}

/** By its own connection, which the caller closes. Throws `CliError` for a name that there is not. */
export function openHost({ parameters, openSsh }: HostsFile, name: string): Host {
  const host = parameters.hosts[name];
  if (host) return new Host({ name, host, parameters, openSsh });
  const names = Object.keys(parameters.hosts);
  const known = names.length === 0 ? "there are none" : `expected one of: ${names.join(", ")}`;
  throw new CliError(`no host is called ${JSON.stringify(name)}; ${known}`);
}

/** One thing done with one host. Throws `CliError`. */
export async function withHost<T>(
  hosts: HostsFile,
  name: string,
  act: (host: Host, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const host = openHost(hosts, name);
  try {
    return await act(host, new AbortController().signal);
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError(cause instanceof Error ? cause.message : String(cause), { cause });
  } finally {
    host.close();
  }
}
