import { z } from "zod";

/** The id of the `instance.create` command that asked for the worker, or, for one that was found, its instance id. */
export const workerIdSchema = z.string().min(1).max(300);
/** The container's uuid at the API: `zzzzz-dz642-xxxxxxxxxxxxxxx`. */
export const containerIdSchema = z.string().min(1).max(64);
/** `<journal id>-<seq>-<n>`: unique even after a lost journal. */
export const commandIdSchema = z.string().min(1).max(120);

/** The `seq` of the record that asked for a command. */
export function seqOfCommand(commandId: string): number {
  return Number(commandId.split("-").at(-2));
}

export const seqSchema = z.int().min(0);

export const ACTOR_KINDS = [
  "worker",
  "container",
  "supervisor",
  "quota",
  "capacity",
  "throttle",
] as const;
export type ActorKind = (typeof ACTOR_KINDS)[number];

/** `worker/i-1`: how an actor is named in the journal's index, in replays and in explanations. */
export type ActorKey = `${ActorKind}/${string}`;

/** The one supervisor, quota and create throttle have this id. */
export const ONLY = "dispatcher";

/** In the journal's index: the starts that set its time back. They are few, and whoever looks for a time has to know all of them. */
export const CLOCK_SET_BACK: ActorKey = "supervisor/clock-set-back";

export function actorKey(kind: ActorKind, id: string): ActorKey {
  return `${kind}/${id}`;
}

export function parseActorKey(key: string): { kind: ActorKind; id: string } | undefined {
  const slash = key.indexOf("/");
  const kind = ACTOR_KINDS.find((known) => known === key.slice(0, slash));
  return kind && { kind, id: key.slice(slash + 1) };
}
