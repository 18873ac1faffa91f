import { z } from "zod";
import { instantOrNullSchema, seqSchema } from "./common.ts";

/** One line, not too long: it goes to journal, log and screen. */
export const actionBodySchema = z.strictObject({ reason: line(1000).default("") });

export const stopBodySchema = actionBodySchema.extend({ drain: z.boolean().default(false) });

export const stopAnswerSchema = z.strictObject({
  request: z.literal("stop"),
  drain: z.boolean(),
});

export const workerActionAnswerSchema = z.strictObject({
  worker_id: z.string(),
  instance_id: z.string(),
  request: z.enum(["run", "hold", "drain", "kill"]),
  /** False when it was so already. */
  changed: z.boolean(),
});
export type WorkerActionAnswer = z.infer<typeof workerActionAnswerSchema>;

export const containerActionAnswerSchema = z.strictObject({
  container_uuid: z.string(),
  request: z.enum(["kill", "cancel"]),
  changed: z.boolean(),
});
export type ContainerActionAnswer = z.infer<typeof containerActionAnswerSchema>;

export const journalAcceptBodySchema = actionBodySchema.extend({
  /** Who: kept in the journal. */
  by: line(200).default(""),
});

export const journalAcceptAnswerSchema = z.strictObject({
  request: z.literal("accept"),
  /** False when there was nothing to accept. */
  changed: z.boolean(),
  accepted: z.array(
    z.strictObject({
      cause: z.enum(["lost", "endsEarly", "otherRecords", "otherJournal", "witnessUnreadable"]),
      at: instantOrNullSchema,
      /** The newest record that was left. */
      last_seq: seqSchema,
      /** The newest that is known to have been written; null where nobody knows. */
      written_seq: seqSchema.nullable(),
    }),
  ),
});
export type JournalAcceptAnswer = z.infer<typeof journalAcceptAnswerSchema>;

/** Counted as JSON Schema counts: in code points. The pattern is one that other languages' tools understand too. */
function line(lengthMax: number) {
  return z
    .string()
    .regex(/^[^\u0000-\u001f\u007f-\u009f]*$/, "no control characters")
    .refine((text) => [...text].length <= lengthMax, `at most ${lengthMax} characters`)
    .meta({ maxLength: lengthMax });
}
