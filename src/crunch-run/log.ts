import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { RUNNER_LOG_NAME } from "./paths.ts";

/** Writes one line, with the time. Never fails: a full disk must not end a container. */
export type Log = (message: string) => void;

export interface Journal {
  readonly log: Log;
  /** Text that must never be shown. */
  hide(secret: string): void;
  /** From now on also to `crunch-run.log` in this folder. Throws when that cannot be opened. */
  addFolder(folder: string): void;
}

/** Logs to stderr, which in a detached runner is systemd's journal or that very file. */
export function openJournal(): Journal {
  const secrets: string[] = [];
  const targets = new Set([2]);
  const log: Log = (message) => {
    let line = `${new Date().toISOString()} ${message.replaceAll("\n", "\\n")}\n`;
    for (const secret of secrets) line = line.replaceAll(secret, "[hidden]");
    for (const fd of targets) {
      try {
        writeSync(fd, line);
      } catch {
        // Nobody reads it, or the disk is full: there is no other place to tell it.
      }
    }
  };
  return {
    log,
    hide: (secret) => {
      if (secret !== "") secrets.push(secret);
    },
    addFolder: (folder) => {
      const fd = openSync(join(folder, RUNNER_LOG_NAME), "a", 0o600);
      if (isSameFile(fd, 2)) closeSync(fd);
      else targets.add(fd);
    },
  };
}

function isSameFile(left: number, right: number): boolean {
  const a = fstatSync(left);
  try {
    const b = fstatSync(right);
    return a.dev === b.dev && a.ino === b.ino;
  } catch {
    return false; // `right` is closed
  }
}
