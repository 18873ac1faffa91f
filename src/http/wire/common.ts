import { z } from "zod";

/**
 * Shapes of what our own endpoints answer, one source for the server's types and order of members, the page's types (`import
 * type`), the command line's parsers, the OpenAPI document and the tests. The files of this folder import nothing but zod, each
 * other, and types of what they tell of.
 */

/** RFC 3339 in UTC with milliseconds. */
export const instantSchema = z.iso.datetime({ precision: 3 });
export const instantOrNullSchema = instantSchema.nullable();

/** RFC 3339 in UTC, as short as it can be. */
export const timeSchema = z.iso.datetime();

/** The number of a journal's record. */
export const seqSchema = z.int().min(0);

/** On the wire an integer, which may exceed 2^53: read the text's digits before a parser rounds them. */
export const prioritySchema = z.union([z.number(), z.string().regex(/^-?\d{1,30}$/)]);

export const ACTOR_KINDS = [
  "worker",
  "container",
  "supervisor",
  "quota",
  "capacity",
  "throttle",
] as const;
export const actorKindSchema = z.enum(ACTOR_KINDS);
export type ActorKind = z.infer<typeof actorKindSchema>;

/** `id` of the supervisor, the quota and the throttle is `dispatcher`. */
export const actorSchema = z.strictObject({ kind: actorKindSchema, id: z.string() });

/** As the chart has it: one state, or one of each region. */
export const stateValueSchema = z.union([z.string(), z.record(z.string(), z.string())]);
export type StateValue = z.infer<typeof stateValueSchema>;

/** One that was taken; states by their path in the chart (`lifecycle.booting`). */
export const transitionSchema = z.strictObject({
  event: z.string(),
  /** "" where the chart asks for nothing. */
  guard: z.string(),
  from: z.string(),
  /** "" where the state stays and only what is remembered changes. */
  to: z.string(),
});

/** What the journal still holds; null and 0 where it is empty. */
export const boundsSchema = z.strictObject({
  first_seq: seqSchema,
  last_seq: seqSchema,
  first_at: instantOrNullSchema,
  last_at: instantOrNullSchema,
});
export type Bounds = z.infer<typeof boundsSchema>;

/** Of every error, as `application/problem+json`. */
export const problemSchema = z.strictObject({
  /** `urn:dispatch-cloud:problem:CODE`; the code is stable. */
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  request_id: z.string(),
});
