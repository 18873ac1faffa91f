import type { Change } from "../../machines/core/draft.ts";
import type { WorkerContext } from "../../machines/worker/worker.types.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

const SILENT =
  /(^|: )(its boot probe passed, and its runner gives )?no good answer to a probe for /;
/** The dispatcher's clock counts whole milliseconds, the world's does not. */
const CLOCK_GRAIN_MS = 1;
/** The only reasons for which a worker may be given up that may be running a wanted container (docs/design.md). */
const ALLOWED = [SILENT, /^an operator asked: /, /no process obeys SIGTERM/];

/**
 * No worker is destroyed while it may run a wanted container, unless it gave no answer for long enough, its container
 * could not be killed, or an operator said so. That it gave no answer is checked against the questions and the answers.
 */
export function busyWorkerKept(): Invariant {
  const silence = new Silence();
  const judge = (event: RecordEvent, world: World): string | undefined => {
    for (const command of event.record.commands) {
      if (command.kind !== "instance.destroy") continue;
      const { instanceId, workerId } = command;
      const busy = wantedOn(world, instanceId);
      if (busy.length === 0) continue;
      const change = event.changes.find(({ kind, id }) => kind === "worker" && id === workerId);
      const reason = change ? contextOf(change).shutdownReason : "";
      if (!ALLOWED.some((allowed) => allowed.test(reason)))
        return `${instanceId} is destroyed while it runs ${busy.join(" ")}: ${reason || "no reason"}`;
      if (!change || lifecycleBefore(change) === "shutdown" || !SILENT.test(reason)) continue;
      const timeoutProbeMs = world.dispatcher?.supervisor.settings.timeoutProbeMs ?? 0;
      const early = silence.isTooShort(event, change, timeoutProbeMs);
      if (early !== undefined) return `${instanceId} is destroyed for not answering, and ${early}`;
    }
    return undefined;
  };
  return {
    name: "busyWorkerKept",
    check(event, world) {
      if (event.type === "vm.listed") silence.answeredAtMs.set(event.instanceId, event.atMs);
      if (event.type === "vm.asked") silence.ask(event.instanceId, event.atMs);
      if (event.type === "daemon.started") silence.beginAgain();
      if (event.type !== "record.released") return undefined;
      const said = judge(event, world);
      silence.take(event);
      return said;
    },
  };
}

/** How long each has not answered, as the world has it. */
class Silence {
  readonly answeredAtMs = new Map<string, number>();
  /** When this run first asked. */
  readonly #askedAtMs = new Map<string, number>();
  /** Workers whose instance this run has found: their time runs from then on (specification §7.2). */
  readonly #found = new Set<string>();

  beginAgain(): void {
    this.#askedAtMs.clear();
    this.#found.clear();
  }

  ask(instanceId: string, atMs: number): void {
    if (!this.#askedAtMs.has(instanceId)) this.#askedAtMs.set(instanceId, atMs);
  }

  take({ changes }: RecordEvent): void {
    for (const change of changes) {
      if (change.kind !== "worker" || contextOf(change).instanceId === "") continue;
      const lifecycle = lifecycleBefore(change);
      if (lifecycle === undefined || lifecycle === "creating") this.#found.add(change.id);
    }
  }

  /** Why it is too short; undefined when it is long enough. */
  isTooShort(
    { record, atMs }: RecordEvent,
    change: Change,
    patienceMs: number,
  ): string | undefined {
    const { instanceId, appearedAtMs } = contextOf(change);
    const askedAtMs = this.#askedAtMs.get(instanceId);
    if (askedAtMs === undefined) return "was never asked";
    const answeredAtMs = this.answeredAtMs.get(instanceId) ?? -Infinity;
    if (answeredAtMs > askedAtMs)
      return atMs - answeredAtMs < patienceMs - CLOCK_GRAIN_MS
        ? `answered ${Math.round(atMs - answeredAtMs)} ms ago`
        : undefined;
    const sinceMs = this.#found.has(change.id) ? record.fact.atMs - appearedAtMs : atMs - askedAtMs;
    return sinceMs < patienceMs - CLOCK_GRAIN_MS
      ? `has had ${Math.round(sinceMs)} ms to answer`
      : undefined;
  }
}

function contextOf({ after }: Change): WorkerContext {
  return after.context as WorkerContext;
}

/** Undefined of one that was not there before. */
function lifecycleBefore({ before }: Change): string | undefined {
  return (before?.value as { lifecycle?: string } | undefined)?.lifecycle;
}

/** Containers that have a living runner on the VM and that the queue wants to run. */
function wantedOn(world: World, instanceId: string): string[] {
  const ids = world.cloud.vm(instanceId)?.runningIds ?? [];
  return ids.filter((id) => {
    const record = world.queue.containers.get(id)?.record;
    const runs = record?.state === "Locked" || record?.state === "Running";
    return runs && BigInt(record.priority) > 0n;
  });
}
