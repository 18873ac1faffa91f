import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  ALL_LOCK_NAME,
  BROKEN_NAME,
  errorCode,
  errorText,
  LOCK_PREFIX,
  LOCK_SUFFIX,
  lockDir,
  PRICES_NAME,
  RunnerError,
} from "./paths.ts";

export interface ListOutput {
  stdout(line: string): void;
  stderr(line: string): void;
}

/**
 * Prints what runs here and wakes each runner by SIGUSR2, for it to load new prices (specification §13). Lock files that nobody
 * holds are removed. Throws `RunnerError` when the folder cannot be read or locked.
 */
export async function list(output: ListOutput): Promise<void> {
  let names: string[];
  try {
    // With "/." a folder that is a link, as /var/lock is, is followed by whatever reads it (specification §15.5).
    names = readdirSync(`${lockDir()}/.`).sort();
  } catch (error) {
    throw new RunnerError(`lock folder ${lockDir()}: ${errorText(error)}`, { cause: error });
  }
  if (names.includes(BROKEN_NAME)) output.stdout("broken");
  const paths = names
    .filter((name) => name.startsWith(LOCK_PREFIX) && name.endsWith(LOCK_SUFFIX))
    .filter((name) => name !== ALL_LOCK_NAME)
    .map((name) => join(lockDir(), name))
    .filter(isWritten);
  if (paths.length === 0) return;
  // Loaded only where something runs: this is the call that is made every few seconds.
  const [{ flock, withAllLock }, { parseProcessInfo }, { signalRunner }] = await Promise.all([
    import("./flock.ts"),
    import("./lock-file.ts"),
    import("./process-table.ts"),
  ]);
  const heldPaths = withAllLock(() =>
    paths.filter((path) => removeUnlessHeld(path, (fd) => !flock(fd, "shared"), output)),
  );
  for (const path of heldPaths) {
    try {
      const { uuid, pid } = parseProcessInfo(readFileSync(path, "utf8"));
      const delivery = signalRunner(pid, "SIGUSR2", path);
      output.stdout(delivery === "delivered" ? uuid : `${uuid} stale`);
    } catch (error) {
      output.stderr(`${path}: ${errorText(error)}`);
    }
  }
}

/** An empty file belongs to a runner that is about to start. */
function isWritten(path: string): boolean {
  try {
    const stat = statSync(path);
    return stat.isFile() && stat.size > 0;
  } catch {
    return false; // removed meanwhile
  }
}

function removeUnlessHeld(
  path: string,
  isHeld: (fd: number) => boolean,
  output: ListOutput,
): boolean {
  let fd: number;
  try {
    // Opened under the all-lock: nobody can remove and make it anew meanwhile.
    fd = openSync(path, "r");
  } catch (error) {
    if (errorCode(error) !== "ENOENT") output.stderr(`${path}: ${errorText(error)}`);
    return false;
  }
  try {
    if (isHeld(fd)) return fstatSync(fd).size > 0;
    rmSync(path, { force: true });
    return false;
  } finally {
    closeSync(fd);
  }
}

/** Puts the price history where running containers look for it, whole or not at all; empty input changes nothing. */
export function storePrices(prices: Uint8Array, output: ListOutput): void {
  if (prices.length === 0) return;
  const path = join(lockDir(), PRICES_NAME);
  const temporaryPath = `${path}~${process.pid}`;
  try {
    writeFileSync(temporaryPath, prices);
    renameSync(temporaryPath, path);
  } catch (error) {
    // Prices are only for the books: the list must not fail for them.
    output.stderr(`error writing price data to ${path}: ${errorText(error)}`);
    rmSync(temporaryPath, { force: true });
  }
}
