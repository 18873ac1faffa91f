import type { FactOf } from "../../model/fact.ts";
import { failureSchema } from "../../model/fact.ts";
import type { WorkerEvent } from "../../worker/worker.types.ts";
import { each, EITHER, NEWEST_SEQ, plain } from "./situation.ts";
import type { Brought, PossibleEvents, Situation } from "./situation.ts";

type S = Situation<"worker">;

/** Something else than what is known, whatever that is. */
const OTHER = "another one";
const observed = { basedOnSeq: [NEWEST_SEQ] };
const COMMANDS = ["j-0-1", `j-${NEWEST_SEQ}-1`];
const BEHAVIORS = ["run", "hold", "drain"] as const;

/** The watermark where it is known; else an answer just now, and none ever. */
function lastGoodProbes({ nowMs, lastGoodProbeAtMs = null }: S): number[] {
  return lastGoodProbeAtMs === null ? [0, nowMs] : [lastGoodProbeAtMs];
}

const processIds = ({ snapshot }: S): string[] => Object.keys(snapshot.context.processes);

/** A process that it has; another one only where it has none. */
function ofProcess(situation: S, members: Readonly<Record<string, readonly unknown[]>>): Brought[] {
  const ids = processIds(situation);
  return each({ containerId: ids.length > 0 ? ids : [OTHER], ...members });
}

function listings(situation: S): string[][] {
  const ids = processIds(situation);
  return [[], ids, [...ids, OTHER].sort()];
}

/** What each event may bring to a worker. Probes and lists are those that begin now. */
export const workerEvents: PossibleEvents<"worker", WorkerEvent["type"]> = {
  "daemon.started": () => each({ historyLost: EITHER }),
  "instance.seen": ({ snapshot: { context } }) =>
    each({
      ...observed,
      address: [context.address, OTHER],
      instanceType: [context.instanceType, OTHER],
      idleBehavior: BEHAVIORS,
    }),
  "instance.missing": (situation) =>
    each({
      ...observed,
      listStartedAtMs: [situation.nowMs],
      lastGoodProbeAtMs: lastGoodProbes(situation),
    }),
  "create.succeeded": plain,
  "create.failed": () =>
    each({ failure: failureSchema.shape.code.options.map((code) => ({ code, message: "" })) }),
  // Of a destroy that was sent long ago, or after all that is known.
  "destroy.accepted": () => each({ commandId: COMMANDS }),
  "destroy.failed": () => each({ commandId: COMMANDS, failure: [{ code: "other", message: "" }] }),
  "tags.saved": plain,
  "tags.failed": plain,
  "ssh.connected": plain,
  "probe.succeeded": (situation) =>
    each({
      ...observed,
      startedAtMs: [situation.nowMs],
      booted: EITHER,
      broken: EITHER,
      stale: EITHER,
      containerIds: listings(situation),
      bootError: [situation.snapshot.context.lastError, OTHER],
    }),
  "probe.failed": (situation) =>
    each({
      ...observed,
      startedAtMs: [situation.nowMs],
      lastGoodProbeAtMs: lastGoodProbes(situation),
      booted: EITHER,
      broken: EITHER,
      error: [situation.snapshot.context.lastError, OTHER],
    }),
  "start.returned": (situation) =>
    ofProcess(situation, {
      outcome: ["started", "failed", "unknown"] satisfies FactOf<"start.returned">["outcome"][],
    }),
  "kill.returned": (situation) =>
    // Of a kill sent long ago, or after all that is known.
    ofProcess(situation, { gone: EITHER, commandId: COMMANDS }),
  "clock.ticked": plain,
  "behavior.requested": () => each({ behavior: BEHAVIORS }),
  "shutdown.requested": plain,
  "instance.taken": plain,
  "start.decided": (situation) => each({ containerId: [...processIds(situation), OTHER] }),
  "kill.decided": (situation) =>
    ofProcess(situation, { reason: [""] }).map((kill) => ({ kills: [kill] })),
  "shutdown.decided": plain,
};
