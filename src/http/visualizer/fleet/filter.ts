import type { ContainerRow } from "../../wire/container.ts";
import type { WorkerRow } from "../../wire/worker.ts";
import { phaseOf } from "../ui/states.ts";

/** What the fleet's filter asks for; "" asks for nothing. */
export interface Filter {
  /** Words that must all be found, each in any of id, type, state, reason, or in the one it names: `type:small`. */
  readonly text: string;
  readonly type: string;
  /** `worker:idle`, `behavior:hold`, `container:waiting`, `reason:atQuota`: says nothing about rows of the other kind. */
  readonly state: string;
}

type Field = "id" | "type" | "state" | "reason";
type Texts = Readonly<Record<Field, string>>;
interface Word {
  /** Null: any. */
  readonly field: Field | null;
  readonly text: string;
}

const FIELDS: readonly Field[] = ["id", "type", "state", "reason"];

export function workerFilter({ text, type, state }: Filter): (row: WorkerRow) => boolean {
  const words = wordsOf(text);
  const [kind = "", value] = state.split(":");
  return (row) =>
    (type === "" || row.instance_type === type) &&
    (kind !== "worker" || row.lifecycle === value) &&
    (kind !== "behavior" || row.idle_behavior === value) &&
    (words.length === 0 || hasAll(words, workerTexts(row)));
}

export function containerFilter(
  { text, type, state }: Filter,
  waitTexts: Readonly<Record<string, string>>,
): (row: ContainerRow) => boolean {
  const words = wordsOf(text);
  const [kind = "", value] = state.split(":");
  return (row) =>
    (type === "" || row.instance_types.includes(type)) &&
    (kind !== "container" || phaseOf(row) === value) &&
    (kind !== "reason" || row.wait_reason === value) &&
    (words.length === 0 || hasAll(words, containerTexts(row, waitTexts)));
}

function wordsOf(text: string): Word[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  return words.map((word) => {
    const field = FIELDS.find((name) => word.startsWith(`${name}:`));
    return field ? { field, text: word.slice(field.length + 1) } : { field: null, text: word };
  });
}

function hasAll(words: readonly Word[], texts: Texts): boolean {
  return words.every(({ field, text }) =>
    field ? texts[field].includes(text) : FIELDS.some((name) => texts[name].includes(text)),
  );
}

/** With what runs on it: who looks for a container finds its worker too. */
function workerTexts(row: WorkerRow): Texts {
  return lower({
    id: `${row.worker_id} ${row.instance_id} ${row.address} ${row.container_uuids.join(" ")}`,
    type: row.instance_type,
    state: `${row.lifecycle} ${row.idle_behavior}`,
    reason: `${row.shutdown_reason} ${row.last_error}`,
  });
}

function containerTexts(row: ContainerRow, waitTexts: Readonly<Record<string, string>>): Texts {
  const wait =
    row.wait_reason === "" ? "" : `${row.wait_reason} ${waitTexts[row.wait_reason] ?? ""}`;
  return lower({
    id: `${row.container_uuid} ${row.worker_ids.join(" ")}`,
    type: row.instance_types.join(" "),
    state: `${row.record} ${phaseOf(row)} ${row.process} ${row.operation}`,
    reason: `${wait} ${row.rejection} ${row.last_error}`,
  });
}

function lower(texts: Texts): Texts {
  return {
    id: texts.id.toLowerCase(),
    type: texts.type.toLowerCase(),
    state: texts.state.toLowerCase(),
    reason: texts.reason.toLowerCase(),
  };
}
