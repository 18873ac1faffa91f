import { formatTime } from "../../machines/model/amounts.ts";
import type { Claim, HostState } from "../../drivers/cloud/static/claim.ts";
import { withHost, type HostsFile } from "./hosts-file.ts";

/** Who has a host, as far as it can be told. */
export interface HostStatus {
  readonly name: string;
  readonly state: "free" | "claimed" | "claimed elsewhere" | "unreachable";
  /** Who has it or, where it cannot be reached, who had it when the dispatcher last could. */
  readonly claim: Claim | null;
  readonly claimedAtMs: number | null;
  /** Why it cannot be reached; "" where it can. */
  readonly reason: string;
}

/** Asks the host. */
export async function statusOf(hosts: HostsFile, name: string): Promise<HostStatus> {
  try {
    return makeStatus(
      name,
      await withHost(hosts, name, (host, signal) => host.look(signal)),
      hosts.setId,
    );
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const claim = hosts.known.get(name) ?? null;
    return { name, state: "unreachable", claim, claimedAtMs: null, reason };
  }
}

export function makeStatus(
  name: string,
  { claim, claimedAtMs }: Pick<HostState, "claim" | "claimedAtMs">,
  setId: string | undefined,
): HostStatus {
  const ours = claim?.instanceSetId === setId ? "claimed" : "claimed elsewhere";
  return { name, state: claim ? ours : "free", claim, claimedAtMs, reason: "" };
}

/** `claimed as box1-4d1f0a2b since …`, `free`, `unreachable: …` */
export function statusText({ state, claim, claimedAtMs, reason }: HostStatus): string {
  const since = claimedAtMs === null ? "" : ` since ${formatTime(claimedAtMs)}`;
  if (state === "unreachable") {
    const last = claim ? ` (claimed as ${claim.instanceId} when it last could be reached)` : "";
    return `unreachable${last}: ${reason}`;
  }
  if (!claim) return "free";
  const elsewhere =
    state === "claimed elsewhere"
      ? ` by another dispatcher (instance set ${claim.instanceSetId})`
      : "";
  return `claimed as ${claim.instanceId}${elsewhere}${since}`;
}

export function statusJson({ state, claim, claimedAtMs, reason }: HostStatus) {
  return {
    state,
    instance: claim?.instanceId ?? null,
    instance_set: claim?.instanceSetId ?? null,
    claimed_at: claimedAtMs === null ? null : new Date(claimedAtMs).toISOString(),
    reason,
  };
}
