import { z } from "zod";

/** One line, not too long: it goes to journal, log and screen. */
export const actionBodySchema = z.strictObject({
  reason: z
    .string()
    .max(1000)
    .regex(/^\P{Cc}*$/u, "no control characters")
    .default(""),
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
