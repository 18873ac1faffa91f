import { z } from "zod";
import { commandSchema } from "./command.ts";
import { decisionSchema, limitsSchema } from "./decision.ts";
import { factSchema } from "./fact.ts";
import { seqSchema } from "./ids.ts";

/** One line of the journal: a fact that changed something or asked for something, and what followed from it. */
export const recordSchema = z.object({
  seq: seqSchema.min(1),
  fact: factSchema,
  commands: z.array(commandSchema),
  decisions: z.array(decisionSchema),
  /** Of a planner run that changed them. */
  limits: limitsSchema.optional(),
});
export type JournalRecord = z.infer<typeof recordSchema>;
