import { z } from "zod";
import {
  actorSchema,
  boundsSchema,
  instantOrNullSchema,
  instantSchema,
  seqSchema,
  stateValueSchema,
  transitionSchema,
} from "./common.ts";
import { markKindSchema } from "./record.ts";
import { containerRowSchema } from "./container.ts";
import { limitRowSchema } from "./limit.ts";
import { workerRowSchema } from "./worker.ts";

/** A condition of a guard, and what it looks at. */
export const guardValueSchema = z.strictObject({
  /** As the chart has it: `not held`. */
  name: z.string(),
  /** Whether it holds; null where it depends on what the event brings. */
  value: z.boolean().nullable(),
  /** In words, with the present numbers. */
  text: z.string(),
});

/** An event that the actor would take in, with the guard that lets it pass or holds it back. */
export const nextEventSchema = z.strictObject({
  event: z.string(),
  /** "" where the chart asks for nothing. */
  guard: z.string(),
  /** Path of the state that takes it. */
  from: z.string(),
  /** Null where the state stays. */
  to: z.string().nullable(),
  /** Null: it depends on what the event brings. */
  holds: z.boolean().nullable(),
  values: z.array(guardValueSchema),
});
export type NextEvent = z.infer<typeof nextEventSchema>;

export const lastTransitionSchema = transitionSchema.extend({
  seq: seqSchema,
  at: instantSchema,
});
export type LastTransition = z.infer<typeof lastTransitionSchema>;

/** One actor at one moment. */
export const actorAnswerSchema = z.strictObject({
  actor: actorSchema,
  /** The newest record that is in it, and its time. */
  seq: seqSchema,
  at: instantOrNullSchema,
  row: z.union([workerRowSchema, containerRowSchema, limitRowSchema]),
  value: stateValueSchema,
  /** All that its machine remembers, in snake_case. */
  context: z.record(z.string(), z.unknown()),
  last: lastTransitionSchema.nullable(),
  next: z.array(nextEventSchema),
  missing: z.string(),
});
export type ActorAnswer = z.infer<typeof actorAnswerSchema>;

/** A state that lasted; `region` is "" for charts without regions. */
export const historySpanSchema = z.strictObject({
  region: z.string(),
  state: z.string(),
  from_seq: seqSchema,
  from: instantSchema,
  /** Null while it lasts. */
  to_seq: seqSchema.nullable(),
  to: instantOrNullSchema,
});
export type HistorySpan = z.infer<typeof historySpanSchema>;

export const historyMarkSchema = z.strictObject({
  seq: seqSchema,
  at: instantSchema,
  kind: markKindSchema,
  /** Of a fact its type, of a decision what to do, of a command its kind. */
  type: z.string(),
  text: z.string(),
  /** It only repeats or confirms what was known: folded away by default. */
  noise: z.boolean(),
  /** Something went wrong, or a container ended badly. */
  failed: z.boolean(),
  /** Of the actor, taken with this record; of the record's first mark only. */
  transitions: z.array(transitionSchema),
  /** The record that asked for the command that this is the outcome of, or that the actor was made by. */
  cause_seq: seqSchema.nullable(),
});
export type HistoryMark = z.infer<typeof historyMarkSchema>;

export const costSchema = z.strictObject({
  price_per_hour: z.number(),
  /** When the cloud named it; null before. */
  from: instantOrNullSchema,
  to: instantOrNullSchema,
  /** Time × price, in the config's currency. */
  amount: z.number(),
});

/** How a container ended. `failed`: not well, and nobody wanted that. */
export const endingSchema = z.strictObject({
  tone: z.enum(["ok", "failed", "cancelled", "unknown"]),
  /** Goes on after the container's name. */
  text: z.string(),
  exit_code: z.int().nullable(),
  seq: seqSchema,
});

export const historyAnswerSchema = z.strictObject({
  actor: actorSchema,
  bounds: boundsSchema,
  /** How far the spans and marks reach. */
  to_seq: seqSchema,
  as_of: instantOrNullSchema,
  spans: z.array(historySpanSchema),
  marks: z.array(historyMarkSchema),
  /** Marks of noise that were left out, as asked. */
  noise_omitted: z.int(),
  /** Of a container that has ended; else null. */
  end: endingSchema.nullable(),
  /** Of a worker; else null. */
  cost: costSchema.nullable(),
  missing: z.string(),
});
export type HistoryAnswer = z.infer<typeof historyAnswerSchema>;
