import { rejectionOf } from "../../machines/container/container.rejection.ts";
import { ONLY } from "../../machines/model/ids.ts";
import type { FaultKind } from "../faults.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/** For a planner's run and its commit. */
const SLACK_MS = 2_000;
/** While the journal stands still, nothing is decided. */
const KEEPS_WAITING: readonly FaultKind[] = ["journalFull", "journalSlow"];

/**
 * A start sends every destroy again that a crash may have swallowed, since twice is as good as once, and gives back the
 * locks for which it has waited in vain for a worker to answer (docs/design.md: crash in flight; specification §6.3). It decides nothing
 * before it has listed and polled, and waits for nobody longer than StaleLockTimeout after that, or after a start of an
 * earlier run can turn up no more on what this run has found.
 */
export function restartRepeats(): Invariant {
  let startedAtMs = 0;
  let toCome = new Set<string>();
  let toldAtMs = 0;
  return {
    name: "restartRepeats",
    check(event, world) {
      if (event.type === "daemon.started") {
        startedAtMs = event.atMs;
        toCome = new Set(["instances.listed", "queue.polled"]);
      }
      if (event.type !== "record.released") return undefined;
      if (toCome.delete(event.record.fact.type)) toldAtMs = event.atMs;
      return (
        decidesBlindly(event, toCome) ??
        waitsOn(event, world, toCome.size > 0 ? event.atMs : toldAtMs) ??
        destroysAgain(event) ??
        locksGivenBack(event, world) ??
        workersAwaited(event, { world, startedAtMs })
      );
    },
  };
}

/** `toCome`: what this run has to be told before it may decide. */
function decidesBlindly({ record }: RecordEvent, toCome: Set<string>): string | undefined {
  const [missing] = toCome;
  const [first] = record.decisions;
  return missing && first && `${first.do} is decided before ${missing}`;
}

function waitsOn(
  { atMs }: RecordEvent,
  { dispatcher, faults }: World,
  toldAtMs: number,
): string | undefined {
  if (!dispatcher || KEEPS_WAITING.some((kind) => kind in faults.plan)) return undefined;
  const { readModel, settings } = dispatcher.supervisor;
  const supervisor = readModel.get("supervisor", ONLY);
  if (supervisor?.value !== "recovering") return undefined;
  const lateMs = supervisor.context.historyLost === true ? settings.timeoutStartMs : 0;
  const mostMs = lateMs + settings.staleLockTimeoutMs + settings.planIntervalMs + SLACK_MS;
  return atMs - toldAtMs > mostMs
    ? `a start has listed and polled, and decides nothing for ${atMs - toldAtMs} ms`
    : undefined;
}

function destroysAgain({ record, changes }: RecordEvent): string | undefined {
  if (record.fact.type !== "daemon.started") return undefined;
  const sent = new Set(
    record.commands.flatMap((command) =>
      command.kind === "instance.destroy" ? [command.workerId] : [],
    ),
  );
  const forgotten = changes.find(({ kind, id, after }) => {
    const { lifecycle } = after.value as { lifecycle?: unknown };
    return kind === "worker" && lifecycle === "shutdown" && !sent.has(id);
  });
  return forgotten && `${forgotten.id} is to be destroyed, and the start does not ask for it again`;
}

function locksGivenBack({ record, changes }: RecordEvent, world: World): string | undefined {
  if (!record.decisions.some((decision) => decision.do === "finishRecovery")) return undefined;
  const before = changes.find(({ kind, id }) => kind === "supervisor" && id === ONLY)?.before;
  const { waited } = (before?.context ?? {}) as { waited?: boolean };
  const id = waited === true ? openLock(world) : undefined;
  return (
    id && `${id} is locked by an earlier run, no worker answers for it, and it is not given back`
  );
}

/** A worker that nobody has asked yet may run what is locked: it has StaleLockTimeout to say so. */
function workersAwaited(
  { record, atMs }: RecordEvent,
  { world, startedAtMs }: { world: World; startedAtMs: number },
): string | undefined {
  const supervisor = world.dispatcher?.supervisor;
  if (!supervisor || !record.decisions.some((decision) => decision.do === "finishRecovery"))
    return undefined;
  if (atMs - startedAtMs >= (supervisor.settings?.staleLockTimeoutMs ?? 0)) return undefined;
  const unknown = [...supervisor.readModel.entries("worker")].find(
    ([, { value }]) => value.lifecycle === "unknown",
  );
  const id = unknown && openLock(world);
  return (
    id && `${id} is locked by an earlier run, and ${unknown[0]} is not asked whether it runs it`
  );
}

/** A container that is locked, and that nothing is asked for or known to run. */
function openLock({ dispatcher }: World): string | undefined {
  for (const [id, { value, context }] of dispatcher?.supervisor.readModel.entries("container") ??
    [])
    if (
      value.record === "Locked" &&
      value.operation === "none" &&
      value.process === "absent" &&
      rejectionOf({ value, context }) === ""
    )
      return id;
  return undefined;
}
