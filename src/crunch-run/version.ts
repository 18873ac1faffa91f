import { readFileSync } from "node:fs";

/** Put here by scripts/build-runner.ts: beside an executable there is no package.json to ask. */
declare const BUILT_VERSION: string | undefined;

export function versionLine(): string {
  const version = typeof BUILT_VERSION === "string" ? BUILT_VERSION : packageVersion();
  return `crunch-run ${version} (node ${process.version})\n`;
}

function packageVersion(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
