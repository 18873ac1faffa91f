import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import ssh2 from "ssh2";
import type { ClusterConfig } from "../../config/load.ts";
import { withoutPkcs8 } from "../../drivers/ssh/private-key.ts";
import { shellWord, SshError, type SshExecutor } from "../../drivers/ssh/port.ts";
import { fingerprintOf } from "../../drivers/cloud/static/host-key.ts";
import type { StaticParameters } from "../../drivers/cloud/static/parameters.ts";
import { CliError } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { parseFacts, type HostFacts } from "./facts.ts";
import { INSTALL_KEY_SCRIPT } from "./install-key.ts";
import type { Login } from "./login.ts";
import { MEASURE_SCRIPT } from "./measure-script.ts";
import { makeOpenSsh, type LoginKey } from "./ssh.ts";

const SCRIPT_TIMEOUT_MS = 30_000;

/** One that may get us in, and what it is called. */
interface Candidate {
  readonly what: string;
  readonly key: LoginKey;
}

export interface LoginKeys {
  readonly privateKey: string;
  /** Its line of authorized_keys. */
  readonly publicKey: string;
}

/**
 * Has the dispatcher's own key log in, installing it by another one where it does not yet. Throws `CliError` with the way out.
 */
export async function installLogin(
  { login, hostKey }: { readonly login: Login; readonly hostKey: Buffer },
  {
    config,
    keys,
    identity,
    io,
  }: {
    readonly config: ClusterConfig;
    readonly keys: LoginKeys;
    readonly identity: string | undefined;
    readonly io: Io;
  },
): Promise<"added" | "present"> {
  const own: Candidate = { what: "the dispatcher's own", key: { privateKey: keys.privateKey } };
  for (const { what, key } of candidates(identity, io).concat(own)) {
    const ssh = open(config, { login, hostKey, key });
    try {
      const said = await runScript(ssh, INSTALL_KEY_SCRIPT, [keys.publicKey]);
      const outcome = said.trim() === "added" ? "added" : "present";
      if (key !== own.key) await assertOwnKeyWorks(config, { login, hostKey, own, keys });
      return outcome;
    } catch (cause) {
      if (!isRefusedLogin(cause)) throw cause;
      if (what === own.what || identity !== undefined)
        throw noLogin(login, { tried: triedText(identity, io), line: keys.publicKey, cause });
    } finally {
      ssh.close();
    }
  }
  throw new Error("unreachable: the dispatcher's own key is always tried");
}

/** By the dispatcher's own key. Throws a sentence. */
export async function measureHost(
  ssh: SshExecutor,
  { claimDirectory, lockDirectory }: Pick<StaticParameters, "claimDirectory" | "lockDirectory">,
  { containers }: ClusterConfig,
): Promise<HostFacts> {
  const { deployRunnerDirectory } = containers.cloudVMs;
  return parseFacts(
    await runScript(ssh, MEASURE_SCRIPT, [claimDirectory, lockDirectory, deployRunnerDirectory]),
  );
}

export function open(
  config: ClusterConfig,
  {
    login,
    hostKey,
    key,
  }: { readonly login: Login; readonly hostKey: Buffer; readonly key: LoginKey },
): SshExecutor {
  const target = { address: login.address, remoteUser: login.user };
  return makeOpenSsh(config, key)(target, async (shown) => {
    if (shown.equals(hostKey)) return;
    throw new Error(`it shows another key now: ${fingerprintOf(shown)}`);
  });
}

async function assertOwnKeyWorks(
  config: ClusterConfig,
  {
    login,
    hostKey,
    own,
    keys,
  }: {
    login: Login;
    hostKey: Buffer;
    own: Candidate;
    keys: LoginKeys;
  },
): Promise<void> {
  const ssh = open(config, { login, hostKey, key: own.key });
  try {
    await ssh.execute({ command: "true", timeoutMs: SCRIPT_TIMEOUT_MS });
  } catch (cause) {
    if (!isRefusedLogin(cause)) throw cause;
    throw new CliError(
      `the dispatcher's key was added to ~/.ssh/authorized_keys of ${login.user}, and the server does not take it; its ` +
        `sshd_config may name another AuthorizedKeysFile: put this line there: ${keys.publicKey}`,
      { cause },
    );
  } finally {
    ssh.close();
  }
}

async function runScript(
  ssh: SshExecutor,
  script: string,
  words: readonly string[],
): Promise<string> {
  const command = `sh -s -- ${words.map(shellWord).join(" ")}`;
  const result = await ssh.execute({ command, stdin: script, timeoutMs: SCRIPT_TIMEOUT_MS });
  if (result.exitCode === 0) return result.stdout;
  throw new Error(`exit status ${result.exitCode}: ${result.stderr.trim().slice(0, 500)}`);
}

/** That of the flag, and nothing else, or else the agent's. */
function candidates(identity: string | undefined, { env, cwd }: Io): Candidate[] {
  const agent = env["SSH_AUTH_SOCK"];
  if (identity !== undefined)
    return [{ what: identity, key: { privateKey: readIdentity(resolve(cwd, identity)) } }];
  return agent ? [{ what: "ssh-agent's", key: { agent } }] : [];
}

function readIdentity(path: string): string {
  try {
    const key = withoutPkcs8(readFileSync(path, "utf8"));
    const parsed = ssh2.utils.parseKey(key);
    if (parsed instanceof Error)
      throw new Error(
        `${parsed.message}; one with a passphrase comes by ssh-agent: ssh-add ${path}`,
      );
    if (!parsed.isPrivateKey()) throw new Error("it is the public half of a key");
    return key;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliError(`--identity ${path} cannot be used: ${reason}`, { cause });
  }
}

function triedText(identity: string | undefined, { env }: Io): string {
  if (identity !== undefined) return `--identity ${identity}`;
  return env["SSH_AUTH_SOCK"]
    ? "ssh-agent's keys and the dispatcher's own"
    : "the dispatcher's own key";
}

function noLogin(
  login: Login,
  { tried, line, cause }: { tried: string; line: string; cause: unknown },
): CliError {
  return new CliError(
    `${login.user} cannot log in with ${tried}; name a key that lets you in with --identity FILE, or add it to ` +
      `ssh-agent (ssh-add), or append this line to ~${login.user}/.ssh/authorized_keys there: ${line}`,
    { cause },
  );
}

function isRefusedLogin(cause: unknown): boolean {
  return cause instanceof SshError && cause.code === "auth";
}
