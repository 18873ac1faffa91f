import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The text that a value of the config stands for: itself, or the contents of the file that `file:///path` names
 * (DispatchPrivateKey, TLS.Certificate, TLS.Key). Throws with the path when the file cannot be read.
 */
export function textOrFile(value: string): string {
  if (!value.startsWith("file://")) return value;
  if (!value.startsWith("file:///")) throw new Error(`${value}: expected file:///absolute/path`);
  return readFileSync(fileURLToPath(value), "utf8");
}
