import { createHmac } from "node:crypto";
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ssh2 from "ssh2";
import { textOrFile } from "../../config/file-value.ts";
import type { ClusterConfig } from "../../config/load.ts";
import { makeKeyPair } from "../../drivers/ssh/key-pair.ts";
import { withoutPkcs8 } from "../../drivers/ssh/private-key.ts";
import { CliError } from "../exit-code.ts";
import { loadOrMakeTokens } from "../token-file.ts";

/** All that must never be logged, journaled or shown. */
export interface Secrets {
  readonly systemRootToken: string;
  readonly managementToken: string;
  /** PEM or OpenSSH format. */
  readonly privateKey: string;
  /** One authorized_keys line. */
  readonly publicKey: string;
}

/** From the config; with the embedded queue, what it leaves empty is made at the first start. Throws `CliError`. */
export function loadSecrets(config: ClusterConfig, dataDir: string): Secrets {
  const isEmbedded = config.dispatchCloud.queue.driver === "embedded";
  const made =
    isEmbedded && (config.systemRootToken === "" || config.managementToken === "")
      ? loadOrMakeTokens(dataDir)
      : undefined;
  const privateKey = loadPrivateKey(config.containers.dispatchPrivateKey, dataDir);
  return {
    systemRootToken: config.systemRootToken || (made?.systemRootToken ?? ""),
    managementToken: config.managementToken || (made?.managementToken ?? ""),
    privateKey,
    publicKey: publicKeyLine(privateKey),
  };
}

function loadPrivateKey(configured: string, dataDir: string): string {
  const path = join(dataDir, "dispatch_key");
  if (configured === "" && !existsSync(path)) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    writeNew(path, makeKeyPair().private);
  }
  return readPrivateKey(configured, path);
}

/** The configured key, or that of the file at `madePath` where none is. Throws `CliError` if it is none. */
export function readPrivateKey(configured: string, madePath: string): string {
  let key: string;
  try {
    key = configured === "" ? readFileSync(madePath, "utf8") : withoutPkcs8(textOrFile(configured));
  } catch (cause) {
    throw keyError(cause);
  }
  publicKeyLine(key);
  return key;
}

/** All of it or nothing, whenever this process is killed; what another process put there meanwhile stays. */
function writeNew(path: string, text: string): void {
  const temporary = `${path}~${process.pid}`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  try {
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function publicKeyLine(privateKey: string): string {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw keyError(parsed);
  return `${parsed.type} ${parsed.getPublicSSH().toString("base64")}`;
}

function keyError(cause: unknown): CliError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new CliError(`error parsing configured Containers.DispatchPrivateKey: ${reason}`, {
    cause,
  });
}

export function hmacHex(key: string, message: string): string {
  return createHmac("sha256", key).update(message).digest("hex");
}

/** Of a worker's agent, which no other claim's agent has; kept nowhere, so that every start of the daemon knows it. */
export function agentSecret(systemRootToken: string, instanceId: string): string {
  return hmacHex(systemRootToken, `agent ${instanceId}`);
}

/** 40 hex digits, as the original's; made from the create command's id, so that a crash forgets none (docs/design.md: ids). */
export function instanceSecret(systemRootToken: string, commandId: string): string {
  return hmacHex(systemRootToken, `instance ${commandId}`).slice(0, 40);
}
