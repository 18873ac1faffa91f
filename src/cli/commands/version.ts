import { defineCommand, JSON_FLAG } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { packageVersion, versionLine } from "../version.ts";

export const versionCommand = defineCommand({
  name: "version",
  summary: "Prints this program's version, and with --json those of the formats that it writes.",
  flags: { json: JSON_FLAG },
  examples: ["dispatch-cloud version", "dispatch-cloud version --json"],
  async run({ flags, io }) {
    if (!flags.json) {
      io.out(`${versionLine()}\n`);
      return EXIT.ok;
    }
    // Only here: the versions of the formats stand in files that pull in the machines and the database.
    const [{ CODE_VERSION }, { FORMAT_VERSION }] = await Promise.all([
      import("../../machines/core/core.ts"),
      import("../../drivers/journal/meta.ts"),
    ]);
    const versions = {
      version: packageVersion(),
      code_version: CODE_VERSION,
      journal_format: FORMAT_VERSION,
      node: process.version,
    };
    io.out(`${JSON.stringify(versions)}\n`);
    return EXIT.ok;
  },
});
