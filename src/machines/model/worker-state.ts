import { z } from "zod";

/** What a worker is to those who do not look into its chart: on the wire, to the planner, in metrics (specification §7.6, §12). */
export const workerStateSchema = z.enum(["unknown", "booting", "idle", "running", "shutdown"]);
export type WorkerState = z.infer<typeof workerStateSchema>;
