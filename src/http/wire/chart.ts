import { z } from "zod";
import { actorKindSchema } from "./common.ts";

const box = { x: z.number(), y: z.number(), w: z.number(), h: z.number() };

export const chartNodeSchema = z.strictObject({
  /** Its path: `lifecycle.booting`. */
  id: z.string(),
  key: z.string(),
  parent: z.string().nullable(),
  type: z.enum(["region", "state", "final"]),
  initial: z.boolean(),
  ...box,
});
export type ChartNode = z.infer<typeof chartNodeSchema>;

export const chartEdgeSchema = z.strictObject({
  id: z.string(),
  from: z.string(),
  to: z.string(),
  /** The states that one drawn edge stands for, where there are several. */
  from_any: z.array(z.string()).optional(),
  events: z.array(z.string()),
  guard: z.string(),
  points: z.array(z.tuple([z.number(), z.number()])),
  label: z.strictObject({ ...box, lines: z.array(z.string()) }),
});
export type ChartEdge = z.infer<typeof chartEdgeSchema>;

/** What is taken in without a change of state. */
export const chartInternalSchema = z.strictObject({
  in: z.array(z.string()),
  events: z.array(z.string()),
  guard: z.string(),
  actions: z.array(z.string()),
});

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
