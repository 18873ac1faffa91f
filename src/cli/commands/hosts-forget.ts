import { CONFIG_FLAG, defineCommand, JSON_FLAG } from "../command.ts";
import { CliError, EXIT } from "../exit-code.ts";
import { removeHost } from "../hosts/config-changes.ts";
import { saveConfigFile } from "../hosts/config-file.ts";
import { restartLine } from "../hosts/flags.ts";
import { openHost, openHostsFile } from "../hosts/hosts-file.ts";
import { statusJson, statusOf } from "../hosts/status.ts";

export const hostsForgetCommand = defineCommand({
  name: "hosts forget",
  summary: "Takes a host out of the config, also one that is lost for good.",
  flags: { json: JSON_FLAG, config: CONFIG_FLAG },
  args: { usage: "NAME", min: 1, max: 1 },
  notes: [
    "The claim of one that does not answer is forgotten: what ran there is lost, and Cancelled; what was only locked is started elsewhere. One that " +
      "answers and is claimed by this config's dispatcher is refused: drain it first.",
  ],
  exitCodes: { [EXIT.failed]: "it is in use; nothing was changed" },
  examples: ["dispatch-cloud hosts forget box1"],
  async run({ flags, args: [name = ""], io }) {
    const hosts = openHostsFile(flags.config, io);
    openHost(hosts, name).close();
    const status = await statusOf(hosts, name);
    const { claim } = status;
    if (status.state === "claimed")
      throw new CliError(
        `${name} answers and is claimed as ${claim?.instanceId}: dispatch-cloud instance drain ${claim?.instanceId}, ` +
          `and then forget it; without a dispatcher: dispatch-cloud hosts release --force ${name}`,
      );
    removeHost(hosts.file.text, name);
    saveConfigFile(hosts.file, io);
    hosts.known.set(name, null);
    if (flags.json) io.out(`${JSON.stringify({ name, ...statusJson(status) })}\n`);
    else {
      const lost =
        status.state === "unreachable" && claim
          ? `; its claim ${claim.instanceId} is forgotten`
          : "";
      io.out(
        `${name} is no longer in ${hosts.file.path} (as it was: .bak)${lost}${restartLine(hosts.dataDir)}\n`,
      );
    }
    return EXIT.ok;
  },
});
