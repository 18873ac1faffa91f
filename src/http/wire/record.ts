import { z } from "zod";
import {
  actorKindSchema,
  instantOrNullSchema,
  instantSchema,
  seqSchema,
  stateValueSchema,
  transitionSchema,
} from "./common.ts";
import { containerRowSchema } from "./container.ts";
import { limitRowSchema } from "./limit.ts";
import { workerRowSchema } from "./worker.ts";

/** What a record made of one actor. */
export const changeSchema = z.strictObject({
  /** `worker/ID`, `container/UUID` … */
  actor: z.string(),
  kind: actorKindSchema,
  id: z.string(),
  /** Null: it was not there before. */
  from: stateValueSchema.nullable(),
  /** Null: it has left. */
  to: stateValueSchema.nullable(),
  transitions: z.array(transitionSchema),
  /** As it is now; null once it has left. */
  row: z.union([workerRowSchema, containerRowSchema, limitRowSchema]).nullable(),
});
export type Change = z.infer<typeof changeSchema>;

export const rememberedSchema = z.strictObject({
  /** 0: no limit. */
  max_containers: z.int(),
  /** 0: no quota error seen yet. */
  instances_within_quota: z.int(),
  last_503_at: instantOrNullSchema,
});

/** A record of the journal; members of facts, commands and decisions are as in the journal, in snake_case. */
export const recordViewSchema = z.strictObject({
  seq: seqSchema,
  at: instantSchema,
  fact: z.looseObject({ type: z.string() }),
  commands: z.array(z.looseObject({ kind: z.string(), id: z.string() })),
  decisions: z.array(z.looseObject({ do: z.string(), reason: z.string() })),
  /** What the scheduler remembers from here on, where that changed. */
  limits: rememberedSchema.optional(),
  changes: z.array(changeSchema),
});
export type RecordView = z.infer<typeof recordViewSchema>;

export const recordsAnswerSchema = z.strictObject({
  items: z.array(recordViewSchema),
  /** Where the next request begins; null at the journal's end. */
  next_seq: seqSchema.nullable(),
});
export type RecordsAnswer = z.infer<typeof recordsAnswerSchema>;

export const markKindSchema = z.enum(["fact", "decision", "command", "outcome"]);
export type MarkKind = z.infer<typeof markKindSchema>;

/** A link of a cause chain, read from the journal: nothing is made up. */
export const chainStepSchema = z.strictObject({
  seq: seqSchema,
  at: instantSchema,
  kind: markKindSchema,
  /** `worker/ID` …; "" where it concerns no single actor. */
  actor: z.string(),
  text: z.string(),
});
export type ChainStep = z.infer<typeof chainStepSchema>;

export const logLineSchema = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error"]),
  message: z.string(),
  fields: z.record(z.string(), z.unknown()),
});
export type LogLine = z.infer<typeof logLineSchema>;

export const recordAnswerSchema = z.strictObject({
  record: recordViewSchema,
  /** From this record back to the fact that began it. */
  chain: z.array(chainStepSchema),
  /** Where the chain ends before its beginning, why; else "". */
  chain_missing: z.string(),
  /** What the daemon logs of it. */
  log: z.array(logLineSchema),
});
export type RecordAnswer = z.infer<typeof recordAnswerSchema>;
