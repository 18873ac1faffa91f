import { z } from "zod";
import { commandIdSchema, containerIdSchema, workerIdSchema } from "./ids.ts";

export const idleBehaviorSchema = z.enum(["run", "hold", "drain"]);
export type IdleBehavior = z.infer<typeof idleBehaviorSchema>;

const ofWorker = { id: commandIdSchema, workerId: workerIdSchema };
const ofInstance = { ...ofWorker, instanceId: z.string() };
const ofProcess = { ...ofInstance, containerId: containerIdSchema };
const ofContainer = { id: commandIdSchema, containerId: containerIdSchema };

/**
 * What the core asks for: plain data, journaled before anything is done about it. Facts hold references only; tags and
 * stdin are built from the secret store by the effects.
 */
export const commandSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("instance.create"), ...ofWorker, instanceType: z.string() }),
  z.object({ kind: z.literal("instance.destroy"), ...ofInstance }),
  z.object({
    kind: z.literal("instance.setTags"),
    ...ofInstance,
    instanceType: z.string(),
    idleBehavior: idleBehaviorSchema,
  }),
  z.object({ kind: z.literal("process.start"), ...ofProcess }),
  z.object({ kind: z.literal("process.kill"), ...ofProcess, signal: z.int() }),
  z.object({ kind: z.literal("container.lock"), ...ofContainer }),
  z.object({ kind: z.literal("container.unlock"), ...ofContainer }),
  z.object({
    kind: z.literal("container.cancel"),
    ...ofContainer,
    /** Shown to the user as `runtime_status.error`; the record must be locked first (specification §4.4). */
    error: z.string().optional(),
  }),
]);

export type Command = z.infer<typeof commandSchema>;
export type CommandKind = Command["kind"];
/** A command as a chart writes it: the core adds the id. */
export type CommandDraft = Command extends infer C
  ? C extends Command
    ? Omit<C, "id">
    : never
  : never;
