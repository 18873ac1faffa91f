import { z } from "zod";
import type { InstanceTags } from "../port.ts";

/** Who has a host. */
export interface Claim {
  readonly instanceSetId: string;
  readonly instanceId: string;
  readonly providerType: string;
  readonly tags: InstanceTags;
}

/** What a host says of itself. */
export interface HostState {
  /** Null: it is free. */
  readonly claim: Claim | null;
  /** Of the machine, whatever its names and logins are; "" where it has none. */
  readonly machineId: string;
  /** When it was claimed, by its own clock; null where that is not known. */
  readonly claimedAtMs: number | null;
}

const tagsSchema = z.record(z.string(), z.string());
export const claimSchema: z.ZodType<Claim> = z.object({
  instanceSetId: z.string(),
  instanceId: z.string(),
  providerType: z.string(),
  tags: tagsSchema,
});

/** One line, and nothing that a shell would read. */
export function encodeTags(tags: InstanceTags): string {
  return Buffer.from(JSON.stringify(tags)).toString("base64");
}

/** Throws a sentence for what is no answer of the script. */
export function parseHostState(stdout: string): HostState {
  const lines = new Map<string, string>();
  for (const line of stdout.split("\n")) {
    const [, name = "", value = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    if (name !== "" && !lines.has(name)) lines.set(name, value);
  }
  const error = lines.get("error");
  if (error !== undefined) throw new Error(error);
  if (!lines.has("end")) throw new Error("it did not answer as expected: the answer is cut");
  const machineId = lines.get("machine") ?? "";
  const instanceId = lines.get("instance");
  if (instanceId === undefined) return { claim: null, machineId, claimedAtMs: null };
  return {
    claim: {
      instanceSetId: lines.get("set") ?? "",
      instanceId,
      providerType: lines.get("type") ?? "",
      tags: decodeTags(lines.get("tags") ?? ""),
    },
    machineId,
    claimedAtMs: secondsAsMs(lines.get("since") ?? ""),
  };
}

function secondsAsMs(text: string): number | null {
  return /^\d{1,11}$/.test(text) ? Number(text) * 1000 : null;
}

/** A claim of which the tags cannot be read is a claim all the same. */
function decodeTags(text: string): InstanceTags {
  try {
    const parsed = tagsSchema.safeParse(JSON.parse(Buffer.from(text, "base64").toString()));
    return parsed.success ? parsed.data : {};
  } catch {
    return {};
  }
}
