import { CONFIG_FLAG, defineCommand, JSON_FLAG } from "../command.ts";
import { readDaemonFile } from "../daemon-file.ts";
import { CliError, EXIT } from "../exit-code.ts";
import { openHostsFile, withHost } from "../hosts/hosts-file.ts";
import { makeStatus, statusJson, statusText } from "../hosts/status.ts";

export const hostsReleaseCommand = defineCommand({
  name: "hosts release",
  summary: "Ends the claim of a dispatcher that is lost, with all that it runs on the host.",
  flags: {
    force: { type: "boolean", help: "Do it: without, it only says who has the host" },
    json: JSON_FLAG,
    config: CONFIG_FLAG,
  },
  args: { usage: "NAME", min: 1, max: 1 },
  notes: [
    "For the claim of another dispatcher that will not come back. One that does takes what ran there for lost. " +
      "A claim of this config's own dispatcher is for that to end: dispatch-cloud instance drain, or kill.",
  ],
  exitCodes: { [EXIT.failed]: "it is claimed and stays so, or does not answer" },
  examples: ["dispatch-cloud hosts release box1", "dispatch-cloud hosts release --force box1"],
  async run({ flags, args: [name = ""], io }) {
    const hosts = openHostsFile(flags.config, io);
    const released = await withHost(hosts, name, async (host, signal) => {
      const state = await host.look(signal);
      const { claim } = state;
      if (!claim) return undefined;
      const status = makeStatus(name, state, hosts.setId);
      const words = `${name} is ${statusText(status)}`;
      if (status.state === "claimed" && readDaemonFile(hosts.dataDir))
        throw new CliError(
          `${words}, by this config's dispatcher, which runs: dispatch-cloud instance kill ${claim.instanceId}`,
        );
      if (!flags.force)
        throw new CliError(
          `${words}; if that dispatcher is lost: dispatch-cloud hosts release --force ${name}`,
        );
      const after = await host.release(claim, signal);
      if (after.claim)
        throw new CliError(`${name} is ${statusText(makeStatus(name, after, hosts.setId))} now`);
      return status;
    });
    if (flags.json)
      io.out(`${JSON.stringify({ name, released: released ? statusJson(released) : null })}\n`);
    else if (released) io.out(`${name} is free; it was ${statusText(released)}\n`);
    else io.out(`${name} is free: there is nothing to release\n`);
    return EXIT.ok;
  },
});
