import { dumpConfig } from "../../config/dump.ts";
import { configJsonSchema } from "../../config/json-schema.ts";
import { hasErrors } from "../../config/finding.ts";
import { findingLine, readClusterConfig } from "../cluster-config.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { dataDirOf } from "../connection.ts";
import { findStartProblems } from "../daemon/preflight.ts";
import { EXIT } from "../exit-code.ts";

export const configCheckCommand = defineCommand({
  name: "config check",
  summary: "Checks a config: one line per finding on standard error.",
  flags: {
    config: CONFIG_FLAG,
    "for-daemon": {
      type: "boolean",
      help: "Also finds what would stop the daemon's start: driver, keys, files and folders; nothing is written",
    },
    json: { type: "boolean", help: "Print the findings as JSON on standard output instead" },
  },
  args: { usage: "[FILE|-]", min: 0, max: 1 },
  notes: ["Warnings do not stop a start; errors do. All of them are found at once."],
  exitCodes: { [EXIT.ok]: "no errors", [EXIT.failed]: "errors, or the file cannot be read" },
  examples: ["dispatch-cloud config check --config config/standalone.yml"],
  async run({ flags, args, io }) {
    const { config, findings } = await readClusterConfig(flags.config ?? args[0], io);
    const isForDaemon = config !== undefined && flags["for-daemon"];
    const problems = isForDaemon ? findStartProblems(config, dataDirOf(config, io)) : [];
    const all = [...findings, ...problems];
    const ok = config !== undefined && !hasErrors(problems);
    if (flags.json) io.out(`${JSON.stringify({ ok, findings: all })}\n`);
    else for (const finding of all) io.err(`${findingLine(finding)}\n`);
    return ok ? EXIT.ok : EXIT.failed;
  },
});

export const configDumpCommand = defineCommand({
  name: "config dump",
  summary: "Prints the config in effect as YAML: defaults filled in, secrets kept.",
  flags: { config: CONFIG_FLAG },
  args: { usage: "[FILE|-]", min: 0, max: 1 },
  notes: [
    "What it prints can be loaded again. It holds the cluster's tokens and keys: keep it private.",
  ],
  exitCodes: { [EXIT.failed]: "the config has errors (on standard error), or cannot be read" },
  examples: ["dispatch-cloud config dump --config config/standalone.yml"],
  async run({ flags, args, io }) {
    const { document, findings } = await readClusterConfig(flags.config ?? args[0], io);
    for (const finding of findings) io.err(`${findingLine(finding)}\n`);
    if (!document) return EXIT.failed;
    io.out(dumpConfig(document, { secrets: "show" }));
    return EXIT.ok;
  },
});

export const configSchemaCommand = defineCommand({
  name: "config schema",
  summary: "Prints the JSON schema of the config, for editors and checkers.",
  flags: {},
  examples: ["dispatch-cloud config schema > config/schema.json"],
  async run({ io }) {
    io.out(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    return EXIT.ok;
  },
});
