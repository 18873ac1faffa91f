import { closeSync, fsyncSync, openSync, rmSync, statSync, writeSync } from "node:fs";
import { randomFillSync } from "node:crypto";
import { freeBytes } from "./sqlite-error.ts";

/** A file that is there to be given up when the disk is full. */
export interface Ballast {
  /** False if there was none. */
  release(): boolean;
  /** Whether it is in place afterwards; it is not made where the disk has not twice its size free. */
  restore(): boolean;
}

export function makeBallast(path: string, bytes: number): Ballast {
  return {
    release() {
      const had = sizeOf(path) > 0;
      rmSync(path, { force: true });
      return had;
    },
    restore() {
      if (bytes <= 0) return false;
      if (sizeOf(path) >= bytes) return true;
      if (freeBytes(path) < 2 * bytes) return false;
      try {
        fill(path, bytes);
        return true;
      } catch {
        // It filled up meanwhile: what has been written goes back.
        rmSync(path, { force: true });
        return false;
      }
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function fill(path: string, bytes: number): void {
  const file = openSync(path, "w", 0o600);
  try {
    // Not zeros, which some file systems do not store.
    const block = randomFillSync(Buffer.alloc(Math.min(bytes, 1024 * 1024)));
    for (let left = bytes; left > 0; left -= block.length) {
      writeSync(file, block, 0, Math.min(left, block.length));
    }
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
