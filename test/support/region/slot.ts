import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { removeSlot, SLOTS_DIR } from "./leftovers.ts";

/** A number that one region of this machine has at a time: its addresses and the names of its parts follow from it. */
export interface Slot {
  readonly index: number;
  readonly dir: string;
  /** Removes all that the region has made, and lets others have the number. */
  release(): void;
}

/** As many networks of 1,022 hosts as 198.18.0.0/15 has, which is set aside for tests of networks (RFC 2544). */
const SLOTS_MAX = 128;

/** The lowest free one. What dead runs have left behind is removed first. */
export async function claimSlot(): Promise<Slot> {
  mkdirSync(SLOTS_DIR, { recursive: true, mode: 0o755 });
  for (const name of readdirSync(SLOTS_DIR)) {
    const lock = await tryLock(Number(name));
    if (lock) removeSlot(Number(name));
    lock?.close();
  }
  for (let index = 0; index < SLOTS_MAX; index++) {
    const lock = await tryLock(index);
    if (lock) return claimed(index, lock);
  }
  throw new Error(`all ${SLOTS_MAX} networks for regions are in use on this machine`);
}

function claimed(index: number, lock: Server): Slot {
  const dir = join(SLOTS_DIR, String(index));
  const release = () => {
    removeSlot(index);
    process.off("exit", release);
    lock.close();
  };
  // A run that ends early, but not by a signal, cleans up behind itself; a killed one leaves it to the next start.
  process.on("exit", release);
  removeSlot(index);
  mkdirSync(dir, { mode: 0o755 });
  return { index, dir, release };
}

/** A socket without a file: it ends with its process, however that ends, so nobody has to find out who is dead. */
async function tryLock(index: number): Promise<Server | undefined> {
  const lock = createServer().unref();
  lock.listen(`\0dispatch-cloud-region-${index}`);
  try {
    await once(lock, "listening");
    return lock;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") return undefined;
    throw error;
  }
}
