import type { Command } from "./command.ts";
import type { Decision } from "./decision.ts";
import type { Fact } from "./fact.ts";
import { actorKey, CLOCK_SET_BACK, ONLY, type ActorKey } from "./ids.ts";
import type { JournalRecord } from "./record.ts";

/**
 * Which actors a record names: that of its fact, and the workers and containers of its commands and decisions. Sorted,
 * each once. A container whose process a probe no longer lists is not named by the fact, so it is not among them.
 */
export function actorsOf(record: JournalRecord): ActorKey[] {
  const keys = new Set<ActorKey>();
  addFact(keys, record.fact);
  for (const command of record.commands) addCommand(keys, command);
  for (const decision of record.decisions) addDecision(keys, decision);
  return [...keys].sort();
}

function addFact(keys: Set<ActorKey>, fact: Fact): void {
  if ("workerId" in fact) keys.add(actorKey("worker", fact.workerId));
  if ("containerId" in fact) keys.add(actorKey("container", fact.containerId));
  if (fact.type === "daemon.started" && fact.setBack) keys.add(CLOCK_SET_BACK);
  if (fact.type === "clock.ticked") keys.add(actorKey(fact.actorKind, fact.actorId));
  if (fact.type === "instance.seen") {
    // A worker is named by its create command, or by its instance where that is unknown (ids.ts).
    keys.add(actorKey("worker", fact.createdBy ?? fact.instanceId));
  }
  if (fact.type === "probe.succeeded") {
    for (const id of fact.containerIds) keys.add(actorKey("container", id));
  }
}

function addCommand(keys: Set<ActorKey>, command: Command): void {
  if ("workerId" in command) keys.add(actorKey("worker", command.workerId));
  if ("containerId" in command) keys.add(actorKey("container", command.containerId));
}

function addDecision(keys: Set<ActorKey>, decision: Decision): void {
  if ("worker" in decision) keys.add(actorKey("worker", decision.worker));
  if ("container" in decision) keys.add(actorKey("container", decision.container));
  if (decision.do === "holdCreates") keys.add(actorKey("throttle", ONLY));
  if (decision.do === "delayRecovery" || decision.do === "finishRecovery")
    keys.add(actorKey("supervisor", ONLY));
}
