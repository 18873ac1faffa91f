import type { World } from "../world.ts";
import type { Invariant } from "./invariant.ts";

/**
 * The dispatcher never takes a container back, or ends its record, while a process of it lives on a VM, nor asks for it, which
 * the queue may refuse: it may only be wrong about one that it has given up for not answering.
 */
export function liveWorkKept(): Invariant {
  const givenUp = new Set<string>();
  return {
    name: "liveWorkKept",
    check(event, world) {
      const runsOn = (containerId: string): string =>
        instancesThatRun(world, containerId)
          .filter((id) => !givenUp.has(id))
          .join(" ");
      if (event.type === "record.released") {
        for (const command of event.record.commands)
          if (command.kind === "instance.destroy") givenUp.add(command.instanceId);
        for (const { kind, ...command } of event.record.commands) {
          if (kind !== "container.unlock" && kind !== "container.cancel") continue;
          const { containerId } = command as { containerId: string };
          const on = runsOn(containerId);
          if (on !== "") return `${kind} for ${containerId}, which has a process on ${on}`;
        }
      }
      if (event.type !== "container.moved" || event.by !== "dispatcher") return undefined;
      if (event.state !== "Cancelled" && event.state !== "Queued") return undefined;
      const on = runsOn(event.containerId);
      return on === ""
        ? undefined
        : `${event.containerId} is made ${event.state} while it has a process on ${on}`;
    },
  };
}

function instancesThatRun(world: World, containerId: string): string[] {
  return world.cloud.instanceIds.filter((id) =>
    world.cloud.vm(id)?.runningIds.includes(containerId),
  );
}
