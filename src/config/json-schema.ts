import { z } from "zod";
import { clusterSchema } from "./cluster.section.ts";

/** The JSON schema of the file, for editors. Keys of other components are allowed and not described. */
export function configJsonSchema(): Record<string, unknown> {
  const file = z.object({
    Clusters: z.record(z.string().regex(/^[a-z0-9]{5}$/), clusterSchema),
  });
  const { $schema, ...rest } = z.toJSONSchema(file, { io: "input" });
  return { $schema, title: "Configuration of dispatch-cloud", ...rest };
}
