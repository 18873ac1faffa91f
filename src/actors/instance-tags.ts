import type { InstanceTags } from "../drivers/cloud/port.ts";
import type { IdleBehavior } from "../machines/model/command.ts";

/** The four built-in tags (specification §7.6), under the configured prefix. */
export interface TagNames {
  readonly instanceSetId: string;
  readonly instanceType: string;
  readonly idleBehavior: string;
  readonly instanceSecret: string;
}

export function tagNames(prefix: string): TagNames {
  return {
    instanceSetId: `${prefix}InstanceSetID`,
    instanceType: `${prefix}InstanceType`,
    idleBehavior: `${prefix}IdleBehavior`,
    instanceSecret: `${prefix}InstanceSecret`,
  };
}

export function readIdleBehavior(tags: InstanceTags, names: TagNames): IdleBehavior | "" {
  const value = tags[names.idleBehavior];
  return value === "run" || value === "hold" || value === "drain" ? value : "";
}

/** The first lines of the boot script (specification §7.6): the secret proves later that the host is the one that was asked for. */
export function initCommand(secret: string, siteCommand: string): string {
  return `umask 0177 && echo -n "${secret}" >/var/run/arvados-instance-secret\n${siteCommand}`;
}
