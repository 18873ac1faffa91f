import type { InstanceType } from "../../machines/model/instance-type.ts";
import type { Failure } from "../../machines/model/fact.ts";
import type { SshExecutor, SshSession, SshTarget, VerifyHostKey } from "../ssh/port.ts";

export type InstanceTags = Readonly<Record<string, string>>;

/** A VM as the cloud describes it. Plain data: a driver's list is a set of these. */
export interface Instance {
  readonly instanceId: string;
  readonly providerType: string;
  /** `host[:port]`, or "" while it has none. */
  readonly address: string;
  readonly remoteUser: string;
  readonly tags: InstanceTags;
}

export interface CreateRequest {
  readonly type: InstanceType;
  readonly imageId: string;
  readonly tags: InstanceTags;
  /** Shell text for the first boot, under 1 KiB. */
  readonly initCommand: string;
  /** One authorized_keys line, or null if none is to be installed. */
  readonly publicKey: string | null;
}

/**
 * One cloud account's set of instances (specification §9.1). Every method may be called at any time; every one throws
 * `CloudError` and nothing else, and gives up when the signal aborts. No retries, no metrics, no rate limits: the
 * decorators and the effects do these.
 */
export interface InstanceSet {
  /** Asks for a new, tagged instance. When it throws `aborted`, `timeout` or `other`, the instance may exist all the same. */
  create(request: CreateRequest, signal: AbortSignal): Promise<Instance>;
  /** All instances, booting and stopping ones included; filtering by tags is optional. Only a complete list is returned. */
  list(tags: InstanceTags, signal: AbortSignal): Promise<readonly Instance[]>;
  /** Fine if there is no such instance. The instance may go on being listed for a while. */
  destroy(instanceId: string, signal: AbortSignal): Promise<void>;
  /** Sets these tags and leaves others alone. */
  setTags(instanceId: string, tags: InstanceTags, signal: AbortSignal): Promise<void>;
  /** Types that share a quota share a group; preemptible ones have their own where the cloud counts them apart. */
  quotaGroup(type: InstanceType): string;
  /**
   * Checks the host key (OpenSSH wire format) of a fresh connection: "verified", "unsupported" when the driver has no
   * method of its own, or throws `CloudError` when the key is wrong.
   */
  verifyHostKey(
    instance: Instance,
    key: Buffer,
    session: SshSession,
  ): Promise<"verified" | "unsupported">;
  close(): Promise<void>;
}

/** What a driver gets beside its own parameters. */
export interface CloudDriverContext {
  /** Of the dispatcher; a driver may keep files of its own below it. */
  readonly dataDir: string;
  readonly instanceSetId: string;
  readonly nowMs: () => number;
  readonly setTimer: (delayMs: number, callback: () => void) => () => void;
  /** PATH of what runs on this machine. */
  readonly searchPath?: string;
  /** A connection of the driver's own, with the dispatcher's login key. */
  readonly openSsh: (target: SshTarget, verifyHostKey: VerifyHostKey) => SshExecutor;
}

/** The cloud said no. Codes are closed; an unknown vendor error is `other`. */
export class CloudError extends Error {
  override readonly name = "CloudError";
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }
}
