import { readFileSync } from "node:fs";

/** Of the package that this file is part of, built or not. */
export function packageVersion(): string {
  const path = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(path, "utf8")) as { version: string }).version;
}

export const PROGRAM = "dispatch-cloud";

/** `dispatch-cloud 0.1.0 (node v20.20.2)`, as the original prints its own (specification §2.2). */
export function versionLine(): string {
  return `${PROGRAM} ${packageVersion()} (node ${process.version})`;
}
