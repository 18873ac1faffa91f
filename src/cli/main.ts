#!/usr/bin/env node
import { basename } from "node:path";
import { makeProcessIo } from "./io.ts";
import { runProgram } from "./program.ts";

/** Called by one of the original's names, this is the daemon (specification §2.1). */
const DAEMON_NAMES = ["arvados-dispatch-cloud", "crunch-dispatch-cloud"];

const [, script = "", ...args] = process.argv;
const name = basename(script).split("~")[0] ?? "";
process.exitCode = await runProgram(
  DAEMON_NAMES.includes(name) ? ["run", ...args] : args,
  makeProcessIo(),
);
