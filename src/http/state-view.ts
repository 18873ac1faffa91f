import type { ReadModel } from "../actors/read-model.ts";
import type { Bounds } from "../actors/timeline/timeline.ts";
import type { Core } from "../machines/core/core.ts";
import type { SnapshotOf } from "../machines/core/registry.ts";
import { waitText } from "../machines/explain/wait-text.ts";
import { WAIT_REASONS, type Limits } from "../machines/model/decision.ts";
import { ONLY, type ActorKind } from "../machines/model/ids.ts";
import type { Settings } from "../machines/model/settings.ts";
import { containerRow } from "./container-view.ts";
import type { InstanceTypes } from "./instance-types.ts";
import { instant, instantOrNull } from "./instant.ts";
import type { Alarm } from "./view-options.ts";
import { limitsView } from "./record-view.ts";
import { limitRow, type LimitKind } from "./rows.ts";
import type { ViewOptions } from "./view-options.ts";
import type { Bounds as BoundsView } from "./wire/common.ts";
import type { AlarmRow, LimitRow } from "./wire/limit.ts";
import type { StateAnswer } from "./wire/state.ts";
import { workerRow } from "./worker-view.ts";
import { wireJson } from "./wire-json.ts";

/** All actors at one moment. Snapshots are immutable, so nothing moves while it is written. */
export interface Moment {
  readonly seq: number;
  readonly atMs: number | null;
  readonly settings: Settings | null;
  readonly types: InstanceTypes;
  readonly limits: Limits | null;
  readonly supervisor: string;
  readonly workers: readonly SnapshotOf["worker"][];
  readonly containers: readonly SnapshotOf["container"][];
  readonly limitRows: readonly LimitRow[];
}

const LIMIT_KINDS = ["supervisor", "quota", "capacity", "throttle"] as const satisfies LimitKind[];

export function momentOf(core: Core): Moment {
  const { registry, settings } = core;
  const all = <K extends ActorKind>(kind: K) => [...registry.entries(kind)].map(([, one]) => one);
  return {
    seq: core.seq,
    atMs: core.seq === 0 ? null : core.atMs,
    settings,
    types: settings?.instanceTypes ?? {},
    limits: core.limits,
    supervisor: registry.get("supervisor", ONLY)?.value ?? "standby",
    workers: all("worker"),
    containers: all("container"),
    limitRows: limitRows((kind) => registry.entries(kind)),
  };
}

export function liveMoment(
  readModel: ReadModel,
  shared: Pick<Moment, "atMs" | "settings" | "types">,
): Moment {
  return {
    ...shared,
    seq: readModel.seq,
    limits: readModel.limits ?? null,
    supervisor: readModel.get("supervisor", ONLY)?.value ?? "standby",
    workers: [...readModel.all("worker")],
    containers: [...readModel.all("container")],
    limitRows: limitRows((kind) => readModel.entries(kind)),
  };
}

function limitRows(
  entries: (kind: LimitKind) => Iterable<[string, SnapshotOf[LimitKind]]>,
): LimitRow[] {
  return LIMIT_KINDS.flatMap((kind) =>
    [...entries(kind)]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, snapshot]) => limitRow(kind, id, snapshot)),
  );
}

const ROWS_PER_CHUNK = 500;

/** The state as JSON text in pieces: tens of thousands of rows at once would hold everybody else up. */
export async function* stateText(
  moment: Moment,
  bounds: Bounds,
  options: ViewOptions,
): AsyncGenerator<string> {
  const { types, workers, containers } = moment;
  yield `${wireJson(headOf(moment, bounds, options)).slice(0, -1)},"workers":[`;
  yield* rowsText(workers, (worker) => workerRow(worker, types), options);
  yield `],"containers":[`;
  yield* rowsText(containers, containerRow, options);
  yield "]}\n";
}

async function* rowsText<T>(
  items: readonly T[],
  rowFor: (item: T) => object,
  { pause }: ViewOptions,
): AsyncGenerator<string> {
  for (let at = 0; at < items.length; at += ROWS_PER_CHUNK) {
    const rows = items.slice(at, at + ROWS_PER_CHUNK).map(rowFor);
    yield `${at === 0 ? "" : ","}${wireJson(rows).slice(1, -1)}`;
    await pause();
  }
}

function headOf(
  moment: Moment,
  bounds: Bounds,
  { version, nowMs, readOnly, live }: ViewOptions,
): Omit<StateAnswer, "workers" | "containers"> {
  const { settings, limits } = moment;
  return {
    journal_id: bounds.journalId,
    live: live !== undefined,
    seq: moment.seq,
    at: instantOrNull(moment.atMs),
    now: instant(nowMs()),
    version,
    read_only: readOnly,
    bounds: boundsView(bounds),
    missing: bounds.missing,
    supervisor: moment.supervisor,
    scheduler: limits && limitsView(limits),
    instance_types: Object.values(moment.types).map((type) => ({
      name: type.name,
      provider_type: type.providerType,
      vcpus: type.vcpus,
      ram: type.ram,
      scratch: type.scratch,
      gpus: type.gpu.deviceCount,
      price: type.price,
      preemptible: type.preemptible,
    })),
    wait_texts: waitTexts(settings?.maxInstances ?? 0),
    timeouts: settings && timeoutsOf(settings),
    limits: [...moment.limitRows],
    alarms: (live?.alarms() ?? []).map(alarmRow),
  };
}

export function boundsView({ firstSeq, lastSeq, firstAtMs, lastAtMs }: Bounds): BoundsView {
  return {
    first_seq: firstSeq,
    last_seq: lastSeq,
    first_at: instantOrNull(firstAtMs),
    last_at: instantOrNull(lastAtMs),
  };
}

export function alarmRow({ alarm, message, sinceMs }: Alarm): AlarmRow {
  return { alarm, message, since: instant(sinceMs) };
}

/** Without what differs from container to container. */
function waitTexts(maxInstances: number): StateAnswer["wait_texts"] {
  const details = { state: "Queued", instanceTypes: [], bootingType: "", maxInstances };
  return Object.fromEntries(
    WAIT_REASONS.map((reason) => {
      const text = waitText(reason, details);
      return [reason, text.replace(" ()", "").replace(" and state is Queued", "")];
    }),
  ) as StateAnswer["wait_texts"];
}

function timeoutsOf(settings: Settings): NonNullable<StateAnswer["timeouts"]> {
  return {
    idle_ms: settings.timeoutIdleMs,
    booting_ms: settings.timeoutBootingMs,
    probe_ms: settings.timeoutProbeMs,
    shutdown_ms: settings.timeoutShutdownMs,
    signal_ms: settings.timeoutSignalMs,
    term_ms: settings.timeoutTermMs,
    start_ms: settings.timeoutStartMs,
    stale_run_lock_ms: settings.timeoutStaleRunLockMs,
    stale_lock_ms: settings.staleLockTimeoutMs,
  };
}
