import { z } from "zod";
import { lenient } from "../../http/wire/lenient.ts";
import { instanceSchema, type Instance } from "../../http/wire/worker.ts";
import { formatPrice } from "../../machines/model/amounts.ts";
import { callApi } from "../api.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { connectionOf } from "../connection.ts";
import { CliError, EXIT } from "../exit-code.ts";

/** None at all are `null` in the original. */
const answerSchema = z.object({ items: z.array(lenient(instanceSchema)).nullable() });

const TITLES = [
  "instance",
  "address",
  "state",
  "idle-behavior",
  "config-type",
  "provider-type",
  "price",
  "running-containers",
];

export const instanceListCommand = defineCommand({
  name: "instance list",
  summary: "Lists the instances, one a line, in columns separated by tabs.",
  flags: {
    header: { type: "boolean", help: "Print the columns' names first" },
    json: {
      type: "boolean",
      help: "Print each as a line of JSON, with all that the dispatcher tells",
    },
    config: CONFIG_FLAG,
  },
  notes: [`The columns are ${TITLES.join(", ")}; "-" stands for what there is none of.`],
  exitCodes: { [EXIT.failed]: "a dispatcher did not answer, or not with a list" },
  examples: ["dispatch-cloud instance list -header -config config/standalone.yml"],
  async run({ flags, io }) {
    const connection = await connectionOf(flags.config, io);
    if (flags.header && !flags.json) io.out(`${TITLES.join("\t")}\n`);
    for (const url of connection.urls) {
      const path = "/arvados/v1/dispatch/instances";
      const answer = await callApi(connection, { path, token: "management", url });
      for (const item of itemsOf(answer, url)) {
        io.out(flags.json ? `${JSON.stringify(item)}\n` : lineOf(item));
      }
    }
    return EXIT.ok;
  },
});

function itemsOf(answer: unknown, url: string): readonly Instance[] {
  const { data } = answerSchema.safeParse(answer);
  if (data) return data.items ?? [];
  throw new CliError(`${new URL(url).origin}: the answer is no list of instances`);
}

function lineOf(item: Instance): string {
  const running = item.running_container_uuids ?? [];
  const cells = [
    item.instance || "-",
    item.address || "-",
    item.worker_state,
    item.idle_behavior,
    item.arvados_instance_type,
    item.provider_instance_type,
    formatPrice(item.price),
    running.length === 0 ? "-" : running.join(","),
  ];
  return `${cells.join("\t")}\n`;
}
