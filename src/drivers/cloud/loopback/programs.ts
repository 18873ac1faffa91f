import { fileURLToPath } from "node:url";

/** What `npm run build` makes, whether this file is built or not. */
const built = (path: string): string =>
  fileURLToPath(new URL(`../../../../dist/${path}`, import.meta.url));

/** The runner. */
export const CRUNCH_RUN_PATH = built("crunch-run/main.js");

/** An instance, which is a process of its own. */
export const INSTANCE_PATH = built("drivers/cloud/loopback/instance.js");
