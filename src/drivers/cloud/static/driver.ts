import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { asCloudErrors } from "../cloud-errors.ts";
import { CloudError } from "../port.ts";
import type {
  CloudDriverContext,
  CreateRequest,
  Instance,
  InstanceSet,
  InstanceTags,
} from "../port.ts";
import type { Claim, HostState } from "./claim.ts";
import { Host } from "./host.ts";
import { KnownClaims } from "./known-claims.ts";
import type { StaticParameters } from "./parameters.ts";

export type StaticOptions = CloudDriverContext & StaticParameters;

/** Machines that are there already: to create is to claim a free one of the type, to destroy is to give it back. */
export function makeStaticInstanceSet(options: StaticOptions): InstanceSet {
  const set = new StaticSet(options);
  return {
    create: (request, signal) => asCloudErrors(signal, () => set.create(request, signal)),
    list: (_tags, signal) => asCloudErrors(signal, () => set.list(signal)),
    destroy: (instanceId, signal) => asCloudErrors(signal, () => set.destroy(instanceId, signal)),
    setTags: (instanceId, tags, signal) =>
      asCloudErrors(signal, () => set.setTags(instanceId, tags, signal)),
    quotaGroup: () => "",
    verifyHostKey: async (instance, key) => {
      set.hostOf(instance.instanceId).verify(key);
      return "verified";
    },
    close: async () => set.close(),
  };
}

class StaticSet {
  readonly #options: StaticOptions;
  readonly #hosts: readonly Host[];
  readonly #known: KnownClaims;
  /** Hosts that a create is about to claim. */
  readonly #claiming = new Set<Host>();
  /** Which host is which machine: two logins of one machine are one host. */
  readonly #machines = new Map<string, Host>();

  constructor(options: StaticOptions) {
    this.#options = options;
    const { hosts, openSsh } = options;
    this.#hosts = Object.entries(hosts).map(
      ([name, host]) => new Host({ name, host, parameters: options, openSsh }),
    );
    this.#known = new KnownClaims(join(options.dataDir, "static", "claims.json"));
  }

  /** Of those that cannot be reached, as they were when they last could. */
  async list(signal: AbortSignal): Promise<readonly Instance[]> {
    const listed = await Promise.all(
      this.#hosts.map(async (host) => {
        const claim = await this.#claimOf(host, signal);
        return claim && this.#isOurs(claim) ? instanceOf(host, claim) : undefined;
      }),
    );
    return listed.filter((instance) => instance !== undefined);
  }

  async #claimOf(host: Host, signal: AbortSignal): Promise<Claim | undefined> {
    try {
      const { claim } = this.#learn(host, await host.look(signal));
      return claim ?? undefined;
    } catch {
      signal.throwIfAborted();
      return this.#known.get(host.name);
    }
  }

  async create({ type, tags, initCommand }: CreateRequest, signal: AbortSignal): Promise<Instance> {
    const reasons: string[] = [];
    for (const host of this.#hosts) {
      if (host.parameters.instanceType !== type.name || this.#claiming.has(host)) continue;
      this.#claiming.add(host);
      try {
        const reason = await this.#whyNot(host, signal);
        if (reason !== undefined) {
          reasons.push(reason);
          continue;
        }
        const { instanceSetId } = this.#options;
        const instanceId = `${host.name}-${randomBytes(4).toString("hex")}`;
        const { providerType } = type;
        const wanted = { instanceSetId, instanceId, providerType, tags: { ...tags } };
        const { claim } = this.#learn(host, await host.claim(wanted, initCommand, signal));
        if (claim?.instanceId === instanceId) return instanceOf(host, claim);
        reasons.push(`${host.name} was claimed by another dispatcher just now`);
      } finally {
        this.#claiming.delete(host);
      }
    }
    const why = reasons.length > 0 ? `: ${reasons.join("; ")}` : "";
    throw new CloudError({
      code: "capacity",
      scope: "type",
      message: `no host of type ${type.name} is free${why}`,
    });
  }

  /** Undefined of one that is free. */
  async #whyNot(host: Host, signal: AbortSignal): Promise<string | undefined> {
    let state: HostState;
    try {
      state = this.#learn(host, await host.look(signal));
    } catch (cause) {
      signal.throwIfAborted();
      return cause instanceof Error ? cause.message : String(cause);
    }
    const { claim, machineId } = state;
    const same = this.#machines.get(machineId);
    if (machineId !== "" && same !== host && same)
      return `${host.name} is the same machine as ${same.name}`;
    if (!claim) return undefined;
    const { instanceId, instanceSetId } = claim;
    return this.#isOurs(claim)
      ? `${host.name} is claimed as ${instanceId}`
      : `${host.name} is claimed by another dispatcher (instance set ${instanceSetId})`;
  }

  async destroy(instanceId: string, signal: AbortSignal): Promise<void> {
    const host = this.#findHost(instanceId);
    if (!host) return;
    this.#learn(host, await host.release({ instanceId }, signal));
  }

  async setTags(instanceId: string, tags: InstanceTags, signal: AbortSignal): Promise<void> {
    const host = this.hostOf(instanceId);
    const { claim } = await host.look(signal);
    if (claim?.instanceId !== instanceId) throw notFound(instanceId);
    const merged = { ...claim, tags: { ...claim.tags, ...tags } };
    this.#learn(host, await host.tag(merged, signal));
  }

  /** Throws `CloudError`. */
  hostOf(instanceId: string): Host {
    const host = this.#findHost(instanceId);
    if (!host) throw notFound(instanceId);
    return host;
  }

  close(): void {
    for (const host of this.#hosts) host.close();
  }

  #findHost(instanceId: string): Host | undefined {
    const name = /^(.+)-[0-9a-f]{8}$/.exec(instanceId)?.[1];
    return this.#hosts.find((host) => host.name === name);
  }

  #learn(host: Host, state: HostState): HostState {
    this.#known.set(host.name, state.claim);
    if (state.machineId !== "" && !this.#machines.has(state.machineId))
      this.#machines.set(state.machineId, host);
    return state;
  }

  #isOurs({ instanceSetId }: Claim): boolean {
    return instanceSetId === this.#options.instanceSetId;
  }
}

function instanceOf({ parameters }: Host, claim: Claim): Instance {
  const { address, user: remoteUser } = parameters;
  const { instanceId, providerType, tags } = claim;
  return { instanceId, providerType, address, remoteUser, tags };
}

function notFound(instanceId: string): CloudError {
  return new CloudError({ code: "notFound", message: `no host is claimed as ${instanceId}` });
}
