import type { WorkerRow } from "../../wire/worker.ts";
import { Age, Countdown } from "../ui/Age.tsx";
import { formatMoney, formatTime } from "../../../machines/model/amounts.ts";
import { cut, shortId } from "../ui/words.ts";
import { STATE_MARKS } from "../ui/states.ts";
import type { SizeClass } from "./order.ts";

interface WorkerCellProps {
  readonly row: WorkerRow;
  readonly size: SizeClass;
  readonly isDot: boolean;
}

/** Containers that a card of each size has lines for, and letters of an id. */
const LINES = [1, 1, 2, 3] as const;
const ID_LETTERS = [12, 14, 17, 22] as const;

export function WorkerCell({ row, size, isDot }: WorkerCellProps) {
  if (isDot) return <span class="letter">{letterOf(row)}</span>;
  return (
    <>
      <span class="line">
        <b class="mono id">{nameOf(row, ID_LETTERS[size])}</b>
        {row.idle_behavior !== "run" && <span class="behavior">{row.idle_behavior}</span>}
      </span>
      <span class="line dim">
        <span class="clip">{cut(row.instance_type, 40)}</span>
        <span>{formatMoney(row.price)}/h</span>
      </span>
      <Doing row={row} size={size} />
    </>
  );
}

function Doing({ row, size }: { readonly row: WorkerRow; readonly size: SizeClass }) {
  const { container_uuids: uuids } = row;
  if (uuids.length > 0) return <Containers uuids={uuids} size={size} />;
  const error = row.shutdown_reason !== "" ? row.shutdown_reason : row.last_error;
  return (
    <span class="line">
      {row.lifecycle === "idle" ? (
        <span>
          idle <Age since={row.since} />
        </span>
      ) : (
        <span class="clip">
          <Age since={row.since} /> {cut(error, 80)}
        </span>
      )}
      {row.lifecycle === "idle" && row.idle_until !== null && (
        <span class="dim">
          <Countdown until={row.idle_until} /> left
        </span>
      )}
    </span>
  );
}

function Containers({
  uuids,
  size,
}: {
  readonly uuids: readonly string[];
  readonly size: SizeClass;
}) {
  const lines = LINES[size];
  const shown = uuids.slice(0, uuids.length > lines ? lines - 1 : lines);
  const moreCount = uuids.length - shown.length;
  return (
    <>
      {shown.map((uuid) => (
        <span class="line mono id" key={uuid}>
          {shortId(uuid, ID_LETTERS[size])}
        </span>
      ))}
      {moreCount > 0 && (
        <span class="line">
          {shown.length > 0 ? `and ${moreCount} more` : `${moreCount} containers`}
        </span>
      )}
    </>
  );
}

/** The cloud's name, once there is one. */
function nameOf(row: WorkerRow, length: number): string {
  return shortId(row.instance_id === "" ? row.worker_id : row.instance_id, length);
}

function letterOf(row: WorkerRow): string {
  if (row.idle_behavior === "hold") return "H";
  return row.idle_behavior === "drain" ? "D" : STATE_MARKS[row.lifecycle].letter;
}

/** All of a worker in one line, for screen readers and as the cell's title. */
export function describeWorker(row: WorkerRow): string {
  const parts = [
    row.instance_id === "" ? `${row.worker_id} (not named yet)` : cut(row.instance_id, 200),
    row.lifecycle,
    row.idle_behavior === "run" ? "" : `on ${row.idle_behavior}`,
    cut(row.instance_type, 100),
    `${formatMoney(row.price)} per hour`,
    row.container_uuids.length === 0 ? "" : `runs ${row.container_uuids.slice(0, 8).join(", ")}`,
    row.lifecycle === "idle" && row.since !== null ? `idle since ${formatTime(row.since)}` : "",
    cut(row.shutdown_reason, 300),
    cut(row.last_error, 300),
  ];
  return parts.filter((part) => part !== "").join(", ");
}
