import { readDaemonFile } from "../daemon-file.ts";

export const YES_FLAG = {
  type: "boolean",
  help: "Ask nothing: believe the keys that hosts show",
} as const;
export const FINGERPRINT_FLAG = {
  type: "string",
  multiple: true,
  value: "SHA256:…",
  help: "A key that may be shown; with it no question is asked, and any other key is refused. May be given again",
} as const;

/** A dispatcher reads its config when it starts. */
export function restartLine(dataDir: string): string {
  if (!readDaemonFile(dataDir)) return "";
  return "\nthe dispatcher that runs takes this up when it is started again: dispatch-cloud stop, then dispatch-cloud run";
}
