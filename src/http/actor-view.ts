import type { ActorState, Bounds, Timeline } from "../actors/timeline/timeline.ts";
import { nextEvents } from "../machines/explain/next-events.ts";
import type { Now } from "../machines/explain/next/situation.ts";
import { byPath } from "../machines/explain/state-path.ts";
import { instant, instantOrNull } from "./instant.ts";
import { stateValue } from "./record-view.ts";
import { rowOf } from "./rows.ts";
import { boundsView } from "./state-view.ts";
import { toWire } from "./to-wire.ts";
import type { ActorAnswer, HistoryAnswer } from "./wire/actor.ts";
import type { TimelineAnswer } from "./wire/timeline.ts";

/** `live`: of the present; else guards are asked as they were at the record's time. */
export function actorView(
  state: ActorState,
  { missing }: Bounds,
  live?: Omit<Now, "settings">,
): ActorAnswer {
  const { actor, core, snapshot, last } = state;
  const { settings } = core;
  const now = live ?? { nowMs: core.atMs };
  return {
    actor,
    seq: core.seq,
    at: instantOrNull(core.seq === 0 ? null : core.atMs),
    row: rowOf(actor.kind, actor.id, snapshot, core.settings?.instanceTypes ?? {}),
    value: stateValue(snapshot),
    context: toWire(snapshot.context) as ActorAnswer["context"],
    last: last && { ...byPath(actor.kind, last), seq: last.seq, at: instant(last.atMs) },
    next: settings ? nextEvents(actor.kind, snapshot, { ...now, settings }) : [],
    missing,
  };
}

type History = NonNullable<Awaited<ReturnType<Timeline["history"]>>>;

export function historyView(history: History): HistoryAnswer {
  const { actor, bounds, toSeq, asOfMs, spans, marks, end, cost } = history;
  return {
    actor,
    bounds: boundsView(bounds),
    to_seq: Math.max(0, toSeq),
    as_of: instantOrNull(bounds.firstSeq === 0 ? null : asOfMs),
    spans: spans.map(({ region, state, fromSeq, fromAtMs, toSeq: endSeq, toAtMs }) => ({
      region,
      state,
      from_seq: fromSeq,
      from: instant(fromAtMs),
      to_seq: endSeq,
      to: instantOrNull(toAtMs),
    })),
    marks: marks.map(({ seq, atMs, kind, type, text, noise, failed, transitions, causeSeq }) => ({
      seq,
      at: instant(atMs),
      kind,
      type,
      text,
      noise,
      failed,
      transitions: [...transitions],
      cause_seq: causeSeq,
    })),
    noise_omitted: history.noiseOmitted,
    end: end && { tone: end.tone, text: end.text, exit_code: end.exitCode, seq: end.seq },
    cost: cost && {
      price_per_hour: cost.pricePerHour,
      from: instantOrNull(cost.fromAtMs),
      to: instantOrNull(cost.toAtMs),
      amount: cost.amount,
    },
    missing: history.missing,
  };
}

type Lanes = Awaited<ReturnType<Timeline["lanes"]>>;

export function lanesView(
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  { bounds, lanes, bins, truncated }: Lanes,
): TimelineAnswer {
  return {
    bounds: boundsView(bounds),
    from: instant(fromMs),
    to: instant(toMs),
    bins: bins.map(({ fromMs: from, ...bin }) => ({ from: instant(from), ...bin })),
    workers: lanes.map((lane) => ({
      worker_id: lane.workerId,
      instance_id: lane.instanceId,
      instance_type: lane.instanceType,
      price: lane.price,
      spans: lane.spans.map(({ state, fromMs: from, toMs: to }) => ({
        state,
        from: instant(from),
        to: instantOrNull(to),
      })),
      containers: lane.containers.map(({ containerId, containerName, fromMs: from, toMs: to }) => ({
        container_uuid: containerId,
        container_name: containerName,
        from: instant(from),
        to: instantOrNull(to),
      })),
      cost: lane.cost,
    })),
    cost: lanes.reduce((sum, lane) => sum + lane.cost, 0),
    truncated,
  };
}
