import { setTimeout as delay } from "node:timers/promises";
import { formatMoney, formatSize, formatSpan } from "../../machines/model/amounts.ts";
import { CONFIG_FLAG, defineCommand, JSON_FLAG } from "../command.ts";
import { connectionOf } from "../connection.ts";
import type { StatusAnswer } from "../../http/wire/status.ts";
import { getStatus } from "../dispatch-api.ts";
import { EXIT } from "../exit-code.ts";
import { formatTable } from "../table.ts";

const WATCH_MS = 1_000;
const CLEAR_SCREEN = "\u001b[H\u001b[2J";

export const statusCommand = defineCommand({
  name: "status",
  summary: "Shows fleet, queue, limits and alarms on one screen.",
  flags: {
    watch: { type: "boolean", short: "w", help: "Again every second, until Ctrl-C" },
    json: JSON_FLAG,
    config: CONFIG_FLAG,
  },
  exitCodes: { [EXIT.failed]: "no dispatcher answers" },
  examples: ["dispatch-cloud status", "dispatch-cloud status --json | jq .alarms"],
  async run({ flags, io }) {
    const connection = await connectionOf(flags.config, io);
    const show = async (signal?: AbortSignal) => {
      const status = await getStatus(connection, signal);
      return flags.json ? `${JSON.stringify(status)}\n` : screenOf(status, connection.urls[0]);
    };
    if (!flags.watch) {
      io.out(await show());
      return EXIT.ok;
    }
    const interrupted = io.interrupts();
    while (!interrupted.aborted) {
      try {
        const text = await show(interrupted);
        io.out(io.isTty && !flags.json ? `${CLEAR_SCREEN}${text}` : text);
        await delay(WATCH_MS, undefined, { signal: interrupted });
      } catch (error) {
        if (!interrupted.aborted) throw error;
      }
    }
    return EXIT.ok;
  },
});

function screenOf(status: StatusAnswer, url: string): string {
  const nowMs = Date.parse(status.now);
  const age = status.started_at ? formatSpan(nowMs - Date.parse(status.started_at)) : "-";
  const notes = [
    status.read_only ? "read-only" : "",
    status.accepting ? "" : "feeds wait: the journal cannot be written",
    status.stop_reason ? `stopping: ${status.stop_reason}` : "",
  ].filter((note) => note !== "");
  const { containers, journal } = status;
  return [
    `dispatch-cloud ${status.version} at ${url}: ${[status.state, ...notes].join(", ")}, up ${age}`,
    "",
    alarmsOf(status, nowMs),
    fleetOf(status),
    `QUEUE   ${containers.count} containers${counted(containers.by_state, ({ state }) => state)}`,
    ...(containers.by_wait_reason.length === 0
      ? []
      : [`WAITING${counted(containers.by_wait_reason, ({ reason }) => reason).replace(":", " ")}`]),
    ...status.limits.map((limit) => `HELD    ${limitOf(limit, nowMs)}`),
    `JOURNAL ${journal.records} records, ${formatSize(journal.bytes)}, ${journal.checkpoints} checkpoints, seq ${status.seq}`,
    "",
  ].join("\n");
}

function alarmsOf({ alarms }: StatusAnswer, nowMs: number): string {
  if (alarms.length === 0) return "ALARMS  none";
  return alarms
    .map(({ alarm, message, since }) => {
      return `ALARM   ${alarm} for ${formatSpan(nowMs - Date.parse(since))}: ${message}`;
    })
    .join("\n");
}

function fleetOf({ workers, price_per_hour }: StatusAnswer): string {
  const count = workers.reduce((sum, group) => sum + group.count, 0);
  const title = `FLEET   ${count} instance${count === 1 ? "" : "s"}, ${formatMoney(price_per_hour)} an hour`;
  if (workers.length === 0) return title;
  const table = formatTable(workers, [
    { title: "STATE", text: (group) => group.state },
    { title: "TYPE", text: (group) => group.instance_type },
    { title: "COUNT", align: "right", text: (group) => String(group.count) },
    { title: "HOLD", align: "right", text: (group) => String(group.hold) },
    { title: "DRAIN", align: "right", text: (group) => String(group.drain) },
    { title: "PRICE/H", align: "right", text: (group) => formatMoney(group.price_per_hour) },
  ]);
  return `${title}\n${table.trimEnd().replaceAll(/^/gm, "        ")}`;
}

function counted<T extends { readonly count: number }>(
  groups: readonly T[],
  nameOf: (group: T) => string,
): string {
  if (groups.length === 0) return "";
  return `: ${groups.map((group) => `${group.count} ${nameOf(group)}`).join(", ")}`;
}

function limitOf(held: StatusAnswer["limits"][number], nowMs: number): string {
  const what = [held.limit, held.key].filter(Boolean).join(" ");
  const until = held.until ? ` for ${formatSpan(Date.parse(held.until) - nowMs)}` : "";
  const fewer = held.until_fewer_instances_than
    ? ` until there are fewer than ${held.until_fewer_instances_than} instances`
    : "";
  return `${what} (${held.state})${until}${fewer}${held.reason ? `: ${held.reason}` : ""}`;
}
