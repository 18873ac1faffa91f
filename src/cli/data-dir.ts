import { join } from "node:path";

/** What lies where in the data directory. */
export function dataPaths(dataDir: string) {
  return {
    /** The journal; its lock and ballast stand beside it. */
    journal: join(dataDir, "journal.db"),
    /** The embedded queue's records. */
    queue: join(dataDir, "queue.db"),
    /** A folder per container: stdout.log, stderr.log and crunch-run.log. */
    containers: join(dataDir, "containers"),
    tokens: join(dataDir, "tokens.json"),
    /** Of the dispatcher that runs now. */
    daemon: join(dataDir, "daemon.json"),
  };
}
