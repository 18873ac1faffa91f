import { resolve } from "node:path";
import type { ClusterConfig } from "../config/load.ts";
import { requireClusterConfig } from "./cluster-config.ts";
import { readDaemonFile } from "./daemon-file.ts";
import { CliError } from "./exit-code.ts";
import type { Io } from "./io.ts";
import { readTokens } from "./token-file.ts";

/** How to reach the dispatcher of a config. Which of the two tokens is needed depends on the endpoint. */
export interface Connection {
  readonly config: ClusterConfig;
  readonly dataDir: string;
  readonly isEmbedded: boolean;
  /** At least one. */
  readonly urls: readonly [string, ...string[]];
  readonly managementToken: string;
  readonly systemRootToken: string;
}

export async function connectionOf(flag: string | undefined, io: Io): Promise<Connection> {
  return makeConnection(await requireClusterConfig(flag, io), io);
}

/** Throws `CliError` where the config names no address and no dispatcher has left one. */
export function makeConnection(config: ClusterConfig, io: Pick<Io, "cwd">): Connection {
  const dataDir = dataDirOf(config, io);
  return { config, dataDir, urls: urlsOf(config, dataDir), ...tokensOf(config, dataDir) };
}

export function dataDirOf(config: ClusterConfig, io: Pick<Io, "cwd">): string {
  return resolve(io.cwd, config.dispatchCloud.dataDir);
}

/** Those of the config; where it leaves them to the dispatcher, those in the data directory. */
export function tokensOf(
  config: ClusterConfig,
  dataDir: string,
): { isEmbedded: boolean; managementToken: string; systemRootToken: string } {
  const { managementToken, systemRootToken } = config;
  const isEmbedded = config.dispatchCloud.queue.driver === "embedded";
  if (!isEmbedded || (managementToken !== "" && systemRootToken !== "")) {
    return { isEmbedded, managementToken, systemRootToken };
  }
  const made = readTokens(dataDir);
  return {
    isEmbedded,
    managementToken: managementToken || (made?.managementToken ?? ""),
    systemRootToken: systemRootToken || (made?.systemRootToken ?? ""),
  };
}

/** Port 0, or no address at all, leaves the choice to the dispatcher, which says in daemon.json what it took. */
function urlsOf(config: ClusterConfig, dataDir: string): [string, ...string[]] {
  const configured = Object.keys(config.services.dispatchCloud.internalURLs);
  const usable = configured.filter((url) => new URL(url).port !== "0");
  const [first, ...others] = usable.map((url) => url.replace(/^ws(s?):/, "http$1:"));
  if (first !== undefined) return [first, ...others];
  const running = readDaemonFile(dataDir);
  if (running) return [running.url];
  if (configured.length === 0 && config.dispatchCloud.queue.driver !== "embedded") {
    throw new CliError("no Services.DispatchCloud.InternalURLs configured");
  }
  throw new CliError(
    `no dispatcher runs on ${dataDir} (it holds no daemon.json); start it with ` +
      "dispatch-cloud run --config FILE",
  );
}
