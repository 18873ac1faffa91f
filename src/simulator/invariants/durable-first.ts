import type { CommandKind } from "../../machines/model/command.ts";
import type { World } from "../world.ts";
import type { WorldEvent } from "../world-event.ts";
import type { Invariant, RecordEvent } from "./invariant.ts";

/**
 * What is not durable has not happened (docs/design.md: the loop): every record is released once, in order, when the journal has
 * it; and nothing happens outside that no released record asked for.
 */
export function durableFirst(): Invariant {
  let lastSeq: number | undefined;
  /** What was ever asked for, by kind; what a killed dispatcher asked for goes on outside. */
  const asked = new Set<string>();
  const take = ({ record }: RecordEvent, { journal }: World): string | undefined => {
    const { seq, commands } = record;
    const expected = (lastSeq ?? seq - 1) + 1;
    lastSeq = seq;
    for (const command of commands) asked.add(`${command.kind} ${subjectOf(command)}`);
    if (seq !== expected) return `seq ${seq} is released, and the next one is ${expected}`;
    if (seq > (journal?.lastSeq ?? 0)) return `seq ${seq} is released, and is not in the journal`;
    return undefined;
  };
  return {
    name: "durableFirst",
    check(event, world) {
      if (event.type === "daemon.started") lastSeq = undefined;
      if (event.type === "record.released") return take(event, world);
      const needs = commandsBehind(event);
      return needs.length === 0 || needs.some((need) => asked.has(need))
        ? undefined
        : `no record asked for this: ${needs.join(", or ")}`;
    },
  };
}

function subjectOf(command: RecordEvent["record"]["commands"][number]): string {
  if ("containerId" in command) return command.containerId;
  return "instanceId" in command ? command.instanceId : command.workerId;
}

/** Any of which may be what an event follows from; none where it happens by itself. */
function commandsBehind(event: WorldEvent): string[] {
  const any = (kinds: CommandKind[], subject: string) => kinds.map((kind) => `${kind} ${subject}`);
  switch (event.type) {
    case "vm.created":
      return any(["instance.create"], event.createdBy);
    case "vm.ended":
      return event.by === "dispatcher" ? any(["instance.destroy"], event.instanceId) : [];
    case "process.detached":
      return any(["process.start"], event.containerId);
    case "container.moved":
      return event.by === "dispatcher"
        ? any(["container.lock", "container.unlock", "container.cancel"], event.containerId)
        : [];
    default:
      return [];
  }
}
