import { shellWord } from "../../ssh/port.ts";
import type { SshExecutor, SshResult } from "../../ssh/port.ts";
import { CloudError } from "../port.ts";
import type { CloudDriverContext } from "../port.ts";
import { encodeTags, parseHostState } from "./claim.ts";
import type { Claim, HostState } from "./claim.ts";
import { fingerprintOf, matchesHostKey } from "./host-key.ts";
import { HOST_SCRIPT } from "./host-script.ts";
import type { HostParameters, StaticParameters } from "./parameters.ts";

/** To look at a host, or to note something there. */
const LOOK_TIMEOUT_MS = 30_000;
/** As root where that can be: runners are started so, and nobody else can end what they have left. */
const RUN =
  'if [ "$(id -u)" != 0 ] && sudo -n true 2>/dev/null; then exec sudo -n sh -s -- "$@"; else exec sh -s -- "$@"; fi';
/** What an earlier claim has left has time to end, and may have to be killed. */
const END_TIMEOUT_MS = 60_000;

export interface HostOptions {
  readonly name: string;
  readonly host: HostParameters;
  readonly parameters: Pick<StaticParameters, "claimDirectory" | "lockDirectory">;
  readonly openSsh: CloudDriverContext["openSsh"];
}

/** One machine, by a connection of the driver's own. Each call throws a sentence that names the host. */
export class Host {
  readonly name: string;
  readonly parameters: HostParameters;
  readonly #options: HostOptions;
  readonly #ssh: SshExecutor;

  constructor(options: HostOptions) {
    const { name, host, openSsh } = options;
    this.name = name;
    this.parameters = host;
    this.#options = options;
    const { address, user: remoteUser } = host;
    this.#ssh = openSsh({ address, remoteUser }, async (key) => this.verify(key));
  }

  /** Throws `CloudError` when it is not the key that the config names. */
  verify(key: Buffer): void {
    const { hostKey } = this.parameters;
    if (matchesHostKey(hostKey, key)) return;
    const message =
      `host key mismatch: ${this.name} shows ${fingerprintOf(key)}, and DriverParameters.Hosts.${this.name}.HostKey says ` +
      `${hostKey}; if the machine was set up anew, put its new key there`;
    throw new CloudError({ code: "refused", message });
  }

  look(signal: AbortSignal): Promise<HostState> {
    return this.#run("look", undefined, { signal, timeoutMs: LOOK_TIMEOUT_MS });
  }

  /** Takes it if it is free. What it answers tells who has it then. */
  claim(claim: Claim, initCommand: string, signal: AbortSignal): Promise<HostState> {
    return this.#run("claim", claim, { signal, timeoutMs: END_TIMEOUT_MS, initCommand });
  }

  tag(claim: Claim, signal: AbortSignal): Promise<HostState> {
    return this.#run("tag", claim, { signal, timeoutMs: LOOK_TIMEOUT_MS });
  }

  /** Gives it back if that claim has it, once all that it ran has ended. */
  release(claim: Pick<Claim, "instanceId">, signal: AbortSignal): Promise<HostState> {
    const whole = { instanceSetId: "", providerType: "", tags: {}, ...claim };
    return this.#run("release", whole, { signal, timeoutMs: END_TIMEOUT_MS });
  }

  close(): void {
    this.#ssh.close();
  }

  async #run(
    action: string,
    claim: Claim | undefined,
    {
      signal,
      timeoutMs,
      initCommand = "",
    }: { signal: AbortSignal; timeoutMs: number; initCommand?: string },
  ): Promise<HostState> {
    const { claimDirectory, lockDirectory } = this.#options.parameters;
    const words = [
      action,
      claimDirectory,
      lockDirectory,
      claim?.instanceSetId ?? "",
      claim?.instanceId ?? "",
      claim?.providerType ?? "",
      claim ? encodeTags(claim.tags) : "",
      initCommand,
    ];
    const command = `sh -c ${[RUN, "sh", ...words].map(shellWord).join(" ")}`;
    let result: SshResult;
    try {
      result = await this.#ssh.execute({ command, stdin: HOST_SCRIPT, timeoutMs, signal });
    } catch (cause) {
      throw this.#error(cause);
    }
    if (result.exitCode !== 0)
      throw this.#error(`exit status ${result.exitCode}: ${result.stderr.trim().slice(0, 500)}`);
    try {
      return parseHostState(result.stdout);
    } catch (cause) {
      throw this.#error(cause);
    }
  }

  #error(cause: unknown): Error {
    const text = cause instanceof Error ? cause.message : String(cause);
    return new Error(`host ${this.name} (${this.parameters.address}): ${text}`, { cause });
  }
}
