import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { connectionOf, type Connection } from "../connection.ts";
import type { ContainerItem } from "../../http/wire/container.ts";
import { listDispatched } from "../dispatch-api.ts";
import { EXIT } from "../exit-code.ts";
import { exitText } from "../../machines/explain/container-end.ts";
import { formatSpan } from "../../machines/model/amounts.ts";
import { isEnded, listContainers, listRequests, type QueuedContainer } from "../queue-api.ts";
import { formatTable } from "../table.ts";

interface Row {
  readonly container_uuid: string;
  readonly name: string | null;
  readonly state: string;
  readonly exit_code: number | null;
  /** The request's where it is known, else the container's own. */
  readonly priority: number | string;
  /** Instances that it is on; more than one only where something went wrong. */
  readonly instances: readonly string[];
  readonly created_at: string;
  /** Why it waits, or what went wrong. */
  readonly status: string;
}

const ENDED = ["Complete", "Cancelled"];

export const psCommand = defineCommand({
  name: "ps",
  summary: "Lists containers: in the order in which they are served, and why they wait.",
  flags: {
    all: {
      type: "boolean",
      short: "a",
      help: "Those that have ended as well (the newest thousand)",
    },
    json: { type: "boolean", help: "Print each as a line of JSON" },
    config: CONFIG_FLAG,
  },
  examples: ["dispatch-cloud ps", "dispatch-cloud ps --all --json"],
  async run({ flags, io }) {
    const connection = await connectionOf(flags.config, io);
    const rows = await readRows(connection, flags.all);
    if (flags.json) for (const row of rows) io.out(`${JSON.stringify(row)}\n`);
    else io.out(tableOf(rows, io.nowMs()));
    return EXIT.ok;
  },
});

/** What the queue has joined with what the dispatcher makes of it. */
async function readRows(connection: Connection, all: boolean): Promise<Row[]> {
  const dispatched = await listDispatched(connection);
  const live = dispatched.filter(({ state }) => !isEnded(state) && state !== "unlisted");
  if (!connection.isEmbedded) return live.map((each) => rowOf(each, undefined, undefined));
  const [queued, requests] = await Promise.all([
    listContainers(connection, all ? [] : [["state", "not in", ENDED]]),
    listRequests(connection, all ? [] : [["state", "!=", "Final"]]),
  ]);
  const seen = new Map(dispatched.map((each) => [each.container_uuid, each]));
  const ranks = new Map(live.map(({ container_uuid }, rank) => [container_uuid, rank]));
  const rankOf = ({ uuid, state }: QueuedContainer) =>
    isEnded(state) ? Infinity : (ranks.get(uuid) ?? ranks.size);
  const byContainer = new Map(requests.map((each) => [each.container_uuid, each]));
  return [...queued]
    .sort((a, b) => compare(rankOf(a), rankOf(b)) || compare(a.created_at, b.created_at))
    .map((each) => rowOf(seen.get(each.uuid), each, byContainer.get(each.uuid)));
}

function compare<T extends number | string>(a: T, b: T): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

function rowOf(
  dispatched: ContainerItem | undefined,
  queued: QueuedContainer | undefined,
  request: { readonly name: string | null; readonly priority: number } | undefined,
): Row {
  const ended = isEnded(queued?.state ?? "");
  return {
    container_uuid: queued?.uuid ?? dispatched?.container_uuid ?? "",
    name: request?.name ?? (dispatched?.name || null),
    state: queued?.state ?? dispatched?.state ?? "",
    exit_code: queued?.exit_code ?? null,
    priority: request?.priority ?? dispatched?.given_priority ?? queued?.priority ?? 0,
    instances: (dispatched?.processes ?? []).map(
      ({ instance_id, worker_id }) => instance_id || worker_id,
    ),
    created_at: queued?.created_at ?? dispatched?.created_at ?? "",
    status: ended && queued ? endOf(queued, request?.priority) : statusOf(dispatched),
  };
}

/** How it ended: whose wish that was is for `explain` to tell. */
function endOf(
  { state, exit_code: code, runtime_status: told }: QueuedContainer,
  priority?: number,
) {
  const { error = "", warning = "" } = told;
  if (error !== "") return error;
  if (state === "Cancelled")
    return priority === 0 ? "cancelled by its user: the priority became 0" : "cancelled";
  return code === null || code === 0 ? warning : `failed: ${exitText(code, warning)}`;
}

function statusOf(dispatched: ContainerItem | undefined): string {
  if (!dispatched) return "Not seen by the dispatcher yet.";
  return dispatched.rejection || dispatched.scheduling_status || dispatched.last_error;
}

function tableOf(rows: readonly Row[], nowMs: number): string {
  if (rows.length === 0) return "no containers\n";
  return formatTable(rows, [
    { title: "CONTAINER", text: (row) => row.container_uuid },
    { title: "NAME", text: (row) => row.name ?? "-" },
    {
      title: "STATE",
      text: (row) => (row.exit_code === null ? row.state : `${row.state} (${row.exit_code})`),
    },
    { title: "PRIORITY", align: "right", text: (row) => String(row.priority) },
    { title: "INSTANCE", text: (row) => row.instances.join(",") || "-" },
    { title: "AGE", align: "right", text: (row) => formatSpan(nowMs - Date.parse(row.created_at)) },
    { title: "STATUS", text: (row) => row.status },
  ]);
}
