import { z } from "zod";
import { actorKindSchema } from "./common.ts";

const box = { x: z.number(), y: z.number(), w: z.number(), h: z.number() };

const chartNodeSchema = z.strictObject({
  /** A state's path (`lifecycle.booting`); of what is no state, its region's path and a name. */
  id: z.string(),
  key: z.string(),
  parent: z.string().nullable(),
  /** `any` stands for several states (`of`) that an arrow leaves alike, `initial` marks where a region begins. */
  type: z.enum(["region", "state", "final", "any", "initial"]),
  initial: z.boolean(),
  of: z.array(z.string()),
  ...box,
});
export type ChartNode = z.infer<typeof chartNodeSchema>;

const chartTransitionSchema = z.strictObject({
  /** Empty where it is taken as soon as the guard holds. */
  events: z.array(z.string()),
  /** "" where nothing is asked for. */
  guard: z.string(),
  actions: z.array(z.string()),
});
export type ChartTransition = z.infer<typeof chartTransitionSchema>;

const chartLabelSchema = z.strictObject({
  ...box,
  lines: z.array(
    z.strictObject({
      text: z.string(),
      part: z.enum(["event", "guard"]),
      /** Which of the arrow's transitions it names. */
      transition: z.int(),
    }),
  ),
});

/** One arrow: all that leads from one box to another. */
const chartEdgeSchema = z.strictObject({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  /** The states that it leaves. */
  from_any: z.array(z.string()),
  /** The states that it may lead to; of several, the one that the guard names. */
  to_any: z.array(z.string()),
  transitions: z.array(chartTransitionSchema),
  points: z.array(z.tuple([z.number(), z.number()])),
  /** Null for the arrow to where a region begins. */
  label: chartLabelSchema.nullable(),
});
export type ChartEdge = z.infer<typeof chartEdgeSchema>;

/** What is taken in without a change of state. */
const chartInternalSchema = chartTransitionSchema.extend({ in: z.array(z.string()) });

/** A chart as a picture, made from its machine when the code is built (`npm run charts`). */
export const chartSchema = z.strictObject({
  kind: actorKindSchema,
  about: z.string(),
  width: z.number(),
  height: z.number(),
  nodes: z.array(chartNodeSchema),
  edges: z.array(chartEdgeSchema),
  internal: z.array(chartInternalSchema),
});
export type Chart = z.infer<typeof chartSchema>;

export const machinesAnswerSchema = z.strictObject({ machines: z.array(chartSchema) });
export type MachinesAnswer = z.infer<typeof machinesAnswerSchema>;
