import type { ContainerRow } from "../../wire/container.ts";
import { store } from "../session.ts";
import { Age, Countdown } from "../ui/Age.tsx";
import { formatCount } from "../../../machines/model/amounts.ts";
import { cut, shortId } from "../ui/words.ts";
import { listLayout } from "../ui/layouts.ts";
import { phaseOf, type Phase } from "../ui/states.ts";
import { VirtualBox } from "../ui/VirtualBox.tsx";
import { queue, queueOrder } from "./fleet-data.ts";
import { select, selectedId } from "./selection.ts";
import type { QueueOrder } from "./order.ts";

const LINE_PX = 46;
const ORDERS: readonly (readonly [QueueOrder, string])[] = [
  ["queue", "in the queue’s order"],
  ["oldest", "oldest first"],
  ["newest", "newest first"],
];
const LETTERS: Readonly<Record<Phase, string>> = {
  waiting: "W",
  starting: "S",
  running: "R",
  ending: "E",
  ended: "✓",
  unlisted: "?",
};

export function Queue() {
  const rows = queue.value;
  return (
    <section class="queue" aria-label="Queue">
      <div class="part-head">
        <h2>
          Queue <b>{formatCount(rows.length)}</b>
        </h2>
        <select
          aria-label="Order of the queue"
          value={queueOrder.value}
          onChange={(event) => (queueOrder.value = event.currentTarget.value as QueueOrder)}
        >
          {ORDERS.map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </div>
      <VirtualBox
        label={`Queue: ${formatCount(rows.length)} ${rows.length === 1 ? "container" : "containers"}`}
        rows={rows}
        layoutFor={(width) => listLayout(rows.length, width, LINE_PX)}
        idOf={idOf}
        render={(row) => <QueueItem row={row} />}
        classOf={(row) => `queue-item p-${phaseOf(row)}`}
        titleOf={describeContainer}
        selectedId={selectedId.value}
        onSelect={select}
        empty={
          store.containers.size === 0 ? "The queue is empty." : "None that the filter lets through."
        }
      />
    </section>
  );
}

function QueueItem({ row }: { readonly row: ContainerRow }) {
  const phase = phaseOf(row);
  return (
    <>
      <span class="line">
        <span class="mark" aria-hidden="true">
          {LETTERS[phase]}
        </span>
        <span class="phase">{phase}</span>
        <b class="mono id clip">{shortId(row.container_uuid)}</b>
        {row.name !== "" && <span class="clip name">{cut(row.name, 80)}</span>}
        <span class="dim priority" title="Priority">
          {row.supervisor ? "supervisor " : ""}p {row.given_priority}
        </span>
        <span class="age">
          <Age since={row.created_at} />
        </span>
      </span>
      <span class="line dim">
        <span class="clip">{whyOf(row)}</span>
        {row.retry_at !== null && (
          <span>
            again in <Countdown until={row.retry_at} />
          </span>
        )}
      </span>
    </>
  );
}

/** Why it waits, where it runs, or what went wrong: in words. */
function whyOf(row: ContainerRow): string {
  if (row.rejection !== "") return cut(row.rejection, 200);
  if (row.last_error !== "") return cut(row.last_error, 200);
  if (row.wait_reason !== "")
    return store.facts.peek()?.waitTexts[row.wait_reason] ?? row.wait_reason;
  if (row.worker_ids.length > 0) return `on ${row.worker_ids.map(nameOfWorker).join(", ")}`;
  return row.operation === "none" ? row.record : row.operation;
}

function nameOfWorker(id: string): string {
  const instance = store.workers.get(id)?.instance_id ?? "";
  return shortId(instance === "" ? id : instance);
}

function describeContainer(row: ContainerRow): string {
  const parts = [
    cut(row.container_uuid, 200),
    ...(row.name === "" ? [] : [cut(row.name, 80)]),
    phaseOf(row),
    `priority ${row.given_priority}`,
    whyOf(row),
  ];
  return parts.join(", ");
}

function idOf(row: ContainerRow): string {
  return row.container_uuid;
}
