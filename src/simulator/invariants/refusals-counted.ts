import type { Command } from "../../machines/model/command.ts";
import type { Fact } from "../../machines/model/fact.ts";
import { seqOfCommand } from "../../machines/model/ids.ts";
import { moveOf } from "../../machines/model/told-times.ts";
import type { World } from "../world.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

interface Tally {
  count: number;
  /** What asked for the newest destroy that the cloud took. */
  acceptedSeq: number;
  sentAtMs: number;
  /** The cloud asked for peace until then. */
  peaceUntilMs: number;
}

/**
 * What a worker says of refused destroys is what the cloud refused since it last took one, also over a restart; and it is
 * asked again no sooner than TimeoutShutdown after the last time, nor than the cloud said, unless an operator asks.
 */
export function refusalsCounted(): Invariant {
  let tallies = new Map<string, Tally>();
  let newestSeq = 0;

  const tallyOf = (workerId: string): Tally => {
    let tally = tallies.get(workerId);
    if (!tally) {
      tally = { count: 0, acceptedSeq: -1, sentAtMs: -Infinity, peaceUntilMs: -Infinity };
      tallies.set(workerId, tally);
    }
    return tally;
  };
  const judge = ({ record }: RecordEvent, world: World): string | undefined => {
    const { fact, commands, seq } = record;
    const move = fact.type === "daemon.started" ? moveOf(fact) : undefined;
    if (move)
      for (const tally of tallies.values()) {
        tally.sentAtMs = move(tally.sentAtMs);
        tally.peaceUntilMs = move(tally.peaceUntilMs);
      }
    const goesOn = seq === newestSeq + 1;
    newestSeq = seq;
    if (!goesOn) {
      // A journal that lacks records, or has some that nobody saw, tells another story, up to this one.
      tallies = countsOf(world);
      return undefined;
    }
    const early = tooEarly(fact, commands, tallyOf, world);
    if (early !== undefined) return early;
    for (const command of commands)
      // A start and an operator ask again at once: from then on the answer to that counts.
      if (command.kind === "instance.destroy")
        Object.assign(tallyOf(command.workerId), {
          sentAtMs: fact.atMs,
          peaceUntilMs: -Infinity,
        });
    take(fact, tallyOf);
    for (const [workerId, { count }] of tallies) {
      const said = saidBy(world, workerId);
      if (said === undefined) tallies.delete(workerId);
      else if (said !== count)
        return `${workerId} says that ${said} destroys were refused, and ${count} were`;
    }
    return undefined;
  };
  return {
    name: "refusalsCounted",
    check: (event, world) => (event.type === "record.released" ? judge(event, world) : undefined),
  };
}

function take(fact: Fact, tallyOf: (workerId: string) => Tally): void {
  if (fact.type !== "destroy.failed" && fact.type !== "destroy.accepted") return;
  const tally = tallyOf(fact.workerId);
  const askedSeq = seqOfCommand(fact.commandId);
  if (askedSeq <= tally.acceptedSeq) return;
  if (fact.type === "destroy.accepted") {
    tally.count = 0;
    tally.acceptedSeq = askedSeq;
    return;
  }
  tally.count++;
  tally.peaceUntilMs = fact.failure.retryAtMs ?? tally.peaceUntilMs;
}

function tooEarly(
  fact: Fact,
  commands: readonly Command[],
  tallyOf: (workerId: string) => Tally,
  { dispatcher }: World,
): string | undefined {
  if (fact.type !== "instance.seen" || !dispatcher) return undefined;
  const { timeoutShutdownMs } = dispatcher.supervisor.settings;
  for (const command of commands) {
    if (command.kind !== "instance.destroy") continue;
    const { sentAtMs, peaceUntilMs } = tallyOf(command.workerId);
    if (fact.atMs - sentAtMs <= timeoutShutdownMs || fact.atMs <= peaceUntilMs)
      return `${command.workerId} is destroyed again ${fact.atMs - sentAtMs} ms after the last time, or while the cloud wants peace`;
  }
  return undefined;
}

function countsOf({ dispatcher }: World): Map<string, Tally> {
  const tallies = new Map<string, Tally>();
  for (const [id, { context }] of dispatcher?.supervisor.readModel.entries("worker") ?? []) {
    const { destroyRefused, destroyAccepted } = context;
    const acceptedSeq = destroyAccepted?.seq ?? -1;
    const never = { sentAtMs: -Infinity, peaceUntilMs: -Infinity };
    tallies.set(id, { count: destroyRefused?.count ?? 0, acceptedSeq, ...never });
  }
  return tallies;
}

/** Undefined of one that is gone. */
function saidBy({ dispatcher }: World, workerId: string): number | undefined {
  const worker = dispatcher?.supervisor.readModel.get("worker", workerId);
  return worker && (worker.context.destroyRefused?.count ?? 0);
}
