import type { Seen } from "../actors/timeline/timeline.ts";
import type { Change } from "../machines/core/draft.ts";
import { byPath } from "../machines/explain/state-path.ts";
import type { Limits } from "../machines/model/decision.ts";
import type { JournalRecord } from "../machines/model/record.ts";
import type { InstanceTypes } from "./instance-types.ts";
import { instant, instantOrNull } from "./instant.ts";
import { rowOf } from "./rows.ts";
import { toWire } from "./to-wire.ts";
import type { StateValue } from "./wire/common.ts";
import type { Change as ChangeView, RecordView } from "./wire/record.ts";
import { wireJson } from "./wire-json.ts";

const CHANGES_PER_PIECE = 500;

/** The same as JSON text in pieces: a run of the planner may change tens of thousands of containers. */
export async function* recordText(
  { record, changes, types }: Seen,
  pause: () => Promise<void>,
): AsyncGenerator<string> {
  const { changes: _, ...head } = recordView(record, [], types);
  yield `${wireJson(head).slice(0, -1)},"changes":[`;
  for (let at = 0; at < changes.length; at += CHANGES_PER_PIECE) {
    const views = changes
      .slice(at, at + CHANGES_PER_PIECE)
      .map((change) => changeView(change, types));
    yield `${at === 0 ? "" : ","}${wireJson(views).slice(1, -1)}`;
    await pause();
  }
  yield "]}";
}

/** A record with what it changed, as it goes on the wire. */
export function recordView(
  record: JournalRecord,
  changes: readonly Change[],
  types: InstanceTypes,
): RecordView {
  const { atMs, ...fact } = record.fact;
  return {
    seq: record.seq,
    at: instant(atMs),
    fact: toWire(fact) as RecordView["fact"],
    commands: toWire(record.commands) as RecordView["commands"],
    decisions: toWire(record.decisions) as RecordView["decisions"],
    ...(record.limits ? { limits: limitsView(record.limits) } : {}),
    changes: changes.map((change) => changeView(change, types)),
  };
}

export function limitsView(limits: Limits): NonNullable<RecordView["limits"]> {
  return {
    max_containers: limits.maxContainers,
    instances_within_quota: limits.instancesWithinQuota,
    last_503_at: instantOrNull(limits.last503AtMs),
  };
}

function changeView(change: Change, types: InstanceTypes): ChangeView {
  const { key, kind, id, before, after, removed, transitions } = change;
  return {
    actor: key,
    kind,
    id,
    from: before ? stateValue(before) : null,
    to: removed ? null : stateValue(after),
    transitions: transitions.map((transition) => byPath(kind, transition)),
    row: removed ? null : rowOf(kind, id, after, types),
  };
}

export function stateValue({ value }: { readonly value: unknown }): StateValue {
  return value as StateValue;
}
