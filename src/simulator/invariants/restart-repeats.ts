import { ONLY } from "../../machines/model/ids.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/**
 * A start sends every destroy again that a crash may have swallowed, since twice is as good as once, and gives back the
 * locks for which it has waited in vain for a worker to answer (DESIGN: crash in flight; spec §6.3). It decides nothing
 * before it has listed and polled.
 */
export function restartRepeats(): Invariant {
  let startedAtMs = 0;
  let toCome = new Set<string>();
  return {
    name: "restartRepeats",
    check(event, world) {
      if (event.type === "daemon.started") {
        startedAtMs = event.atMs;
        toCome = new Set(["instances.listed", "queue.polled"]);
      }
      if (event.type !== "record.released") return undefined;
      return (
        decidesBlindly(event, toCome) ??
        destroysAgain(event) ??
        locksGivenBack(event, world) ??
        workersAwaited(event, { world, startedAtMs })
      );
    },
  };
}

/** `toCome`: what this run has to be told before it may decide. */
function decidesBlindly({ record }: RecordEvent, toCome: Set<string>): string | undefined {
  toCome.delete(record.fact.type);
  const [missing] = toCome;
  const [first] = record.decisions;
  return missing && first && `${first.do} is decided before ${missing}`;
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
      context.rejection === ""
    )
      return id;
  return undefined;
}
