import { setTimeout as delay } from "node:timers/promises";
import { ATTACKS } from "./attacks.ts";

/** A process of its own, so that what it is busy with is not taken for the daemon's: tells each attack that was made. */
const PAUSE_MS = 250;
const target = {
  port: Number(process.env["SOAK_PORT"]),
  managementToken: process.env["SOAK_TOKEN"] ?? "",
};
// The soak is over, or was killed.
process.on("disconnect", () => process.exit());

for (;;)
  for (const [name, attack] of Object.entries(ATTACKS)) {
    await attack(target);
    process.send?.(name);
    await delay(PAUSE_MS);
  }
