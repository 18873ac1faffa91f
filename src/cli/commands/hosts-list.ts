import { CONFIG_FLAG, defineCommand, JSON_FLAG } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { openHostsFile } from "../hosts/hosts-file.ts";
import { statusJson, statusOf, statusText } from "../hosts/status.ts";
import { formatTable } from "../table.ts";

export const hostsListCommand = defineCommand({
  name: "hosts list",
  summary: "Lists the hosts of the config, and who has claimed them.",
  flags: { json: JSON_FLAG, config: CONFIG_FLAG },
  notes: [
    "Each host is asked; of one that does not answer it shows who had it when the dispatcher last could reach it.",
  ],
  examples: ["dispatch-cloud hosts list", "dispatch-cloud hosts list --json | jq .state"],
  async run({ flags, io }) {
    const hosts = openHostsFile(flags.config, io);
    const rows = await Promise.all(
      Object.entries(hosts.parameters.hosts).map(async ([name, parameters]) => ({
        name,
        ...parameters,
        status: await statusOf(hosts, name),
      })),
    );
    if (flags.json)
      for (const { name, address, user, instanceType, hostKey, status } of rows)
        io.out(
          `${JSON.stringify({ name, address, user, instance_type: instanceType, host_key: hostKey, ...statusJson(status) })}\n`,
        );
    else
      io.out(
        formatTable(rows, [
          { title: "NAME", text: ({ name }) => name },
          { title: "LOGIN", text: ({ user, address }) => `${user}@${address}` },
          { title: "TYPE", text: ({ instanceType }) => instanceType },
          { title: "STATE", text: ({ status }) => statusText(status) },
        ]),
      );
    return EXIT.ok;
  },
});
