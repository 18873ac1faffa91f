import { CONFIG_FLAG, defineCommand, JSON_FLAG } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { checkHosts, type CheckedHost } from "../hosts/check.ts";
import { factsJson, factsText, lackLines, lacksJson } from "../hosts/host-text.ts";
import { openHostsFile } from "../hosts/hosts-file.ts";
import { statusJson, statusText } from "../hosts/status.ts";
import { oneLine } from "../table.ts";

export const hostsCheckCommand = defineCommand({
  name: "hosts check",
  summary: "Tells what each host lacks, and the command that mends it.",
  flags: { json: JSON_FLAG, config: CONFIG_FLAG },
  args: { usage: "[NAME…]", min: 0, max: Infinity },
  notes: [
    "Asks all hosts of the config, or those that are named: whether they can be reached, show the key that the config has, let the " +
      "dispatcher in, and have what the runner needs; and who has claimed them. Commands that mend are for a terminal on the host, but " +
      "for dispatch-cloud's own.",
  ],
  exitCodes: { [EXIT.failed]: "something is lacking" },
  examples: ["dispatch-cloud hosts check", "dispatch-cloud hosts check box1"],
  async run({ flags, args, io }) {
    const hosts = openHostsFile(flags.config, io);
    const names = args.length > 0 ? args : Object.keys(hosts.parameters.hosts);
    if (names.length === 0) io.err("there are no hosts: dispatch-cloud hosts add USER@HOST\n");
    const checked = await checkHosts(hosts, names);
    for (const each of checked)
      io.out(flags.json ? `${JSON.stringify(jsonOf(each))}\n` : textOf(each));
    return checked.every(({ lacks }) => lacks.length === 0) ? EXIT.ok : EXIT.failed;
  },
});

function textOf({ name, lacks, facts, status }: CheckedHost): string {
  const state = status && status.state !== "unreachable" ? `, ${oneLine(statusText(status))}` : "";
  const order = lacks.length === 0 ? "in order" : `${lacks.length} lacking`;
  const about = facts ? ` (${factsText(facts)})` : "";
  return `${name}: ${order}${state}${about}\n${lackLines(lacks)}`;
}

function jsonOf({ name, lacks, facts, status }: CheckedHost) {
  return {
    name,
    ok: lacks.length === 0,
    lacks: lacksJson(lacks),
    ...(facts ? factsJson(facts) : {}),
    ...(status ? statusJson(status) : { state: "unreachable" }),
  };
}
