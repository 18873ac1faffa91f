import { requireClusterConfig } from "../cluster-config.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { dataDirOf, tokensOf } from "../connection.ts";
import { CliError, EXIT } from "../exit-code.ts";

export const tokenCommand = defineCommand({
  name: "token",
  summary: "Prints the management token, for the page and for tools of your own.",
  flags: { config: CONFIG_FLAG },
  notes: [
    "It is ManagementToken of the config or, with the embedded queue and none there, the one in tokens.json of the " +
      "data directory. This is the only command that prints a token.",
  ],
  exitCodes: { [EXIT.failed]: "there is none" },
  examples: [
    'curl -H "Authorization: Bearer $(dispatch-cloud token)" http://localhost:9006/metrics',
  ],
  async run({ flags, io }) {
    const config = await requireClusterConfig(flags.config, io);
    const dataDir = dataDirOf(config, io);
    const { managementToken, isEmbedded } = tokensOf(config, dataDir);
    if (managementToken === "") {
      throw new CliError(
        isEmbedded
          ? `there is no token yet: the dispatcher makes it in ${dataDir} when it first starts`
          : `Clusters.${config.id}.ManagementToken is empty, so the management API is off`,
      );
    }
    io.out(`${managementToken}\n`);
    return EXIT.ok;
  },
});
