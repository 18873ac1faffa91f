import { spawnSync } from "node:child_process";
import { Checks, numberFlag } from "./checks.ts";

/** `npm run fuzz:http -- [--requests N]`: the fuzz tests of the fast run, with as many requests as asked for. */
const requests = numberFlag("requests", 20_000);
const checks = new Checks();
const { status } = spawnSync(
  process.execPath,
  [
    "node_modules/vitest/vitest.mjs",
    "run",
    "--project",
    "fast",
    "--testTimeout",
    "3600000",
    "test/http/arbitrary-requests.fuzz.test.ts",
  ],
  { stdio: "inherit", env: { ...process.env, FUZZ_REQUESTS: String(requests) } },
);
checks.that(`${requests} made-up requests were answered in words, none with a 5xx`, status === 0);
checks.end();
