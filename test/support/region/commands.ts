import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { text } from "node:stream/consumers";

/** What the command printed, without the last newline; throws what it complained of if its exit code is not 0. */
export async function run(file: string, args: readonly string[], input = ""): Promise<string> {
  const child = spawn(file, args, { stdio: "pipe" });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  });
  // It may end without having read all.
  child.stdin.on("error", () => undefined).end(input);
  const [stdout, stderr, exitCode] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    ended,
  ]);
  if (exitCode === 0) return stdout.replace(/\n$/, "");
  throw new Error(`${[file, ...args].join(" ")}: exit code ${exitCode}: ${stderr.trim()}`);
}

/** Many commands of `ip` in one process: each alone costs more than what it does. */
export async function ip(lines: readonly string[]): Promise<void> {
  await run("ip", ["-batch", "-"], `${lines.join("\n")}\n`);
}

const POLL_MS = 2;
const CARRIES_WITHIN_MS = 10_000;
const FORWARDS = "3";

/**
 * Returns when the device lets frames through. Linux may take a second from "up" to there, and what is sent meanwhile is lost: a
 * first packet of TCP is sent again a whole second later.
 */
export async function carries(device: string): Promise<void> {
  for (let waitedMs = 0; !isCarrying(device); waitedMs += POLL_MS) {
    if (waitedMs > CARRIES_WITHIN_MS) throw new Error(`${device} does not come up`);
    await setTimeout(POLL_MS);
  }
}

function isCarrying(device: string): boolean {
  const folder = `/sys/class/net/${device}`;
  if (readFileSync(`${folder}/operstate`, "utf8").trim() !== "up") return false;
  const isOnBridge = existsSync(`${folder}/brport`);
  return !isOnBridge || readFileSync(`${folder}/brport/state`, "utf8").trim() === FORWARDS;
}
