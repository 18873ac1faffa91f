import { isMap } from "../../config/document.ts";
import { planSnapshot, printPlan } from "../../machines/planner/plan-snapshot.ts";
import { snapshotSchema } from "../../machines/planner/snapshot-schema.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { EXIT } from "../exit-code.ts";
import { asBadInput, readJsonInput } from "../json-input.ts";
import { configBehind, makeSettingsReader } from "../settings-input.ts";
import { strayMembers } from "../stray-members.ts";

/** As they come from the API and from a config file. */
const OPEN = new Set(["container", "config"]);

export const planCommand = defineCommand({
  name: "plan",
  summary:
    "Answers what the dispatcher would decide: one scheduling pass over a snapshot, then one reconciliation pass.",
  flags: { config: CONFIG_FLAG },
  args: { usage: "[SNAPSHOT|-]", min: 0, max: 1 },
  notes: [
    "The snapshot is JSON: now, config (the inside of Clusters.<id>; where absent that of --config), pass, queue, " +
      "pool and limits. It runs the very code of the daemon, touches nothing, and prints JSON: the decisions in the " +
      "order taken, the queue in the order considered, the limits afterwards and the metrics. See docs/cli.md.",
  ],
  exitCodes: { [EXIT.usage]: "wrong usage or bad input; the message names the path in it" },
  examples: [
    "dispatch-cloud plan snapshot.json",
    "dispatch-cloud plan --config config.yml - < snapshot.json",
  ],
  async run({ flags, args, io }) {
    const input = await readJsonInput(args[0], io);
    const hasOwn = !isMap(input) || input["config"] != null;
    const settings = makeSettingsReader(await configBehind(flags.config, hasOwn, io), io);
    const output = asBadInput(() => planSnapshot(input, settings));
    for (const stray of strayMembers(snapshotSchema, input, { open: OPEN }))
      io.err(`plan: ${stray}\n`);
    io.out(`${printPlan(output)}\n`);
    return EXIT.ok;
  },
});
