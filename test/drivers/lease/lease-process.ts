// Run as a process of its own, to be killed: takes the lease and says so.
import { makeFileLease } from "../../../src/drivers/lease/file.ts";

const lease = makeFileLease(process.argv[2] ?? "", {
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
});
await lease.acquire(new AbortController().signal, (holder) => process.stdout.write(`${holder}\n`));
process.stdout.write("acquired\n");
setInterval(() => undefined, 60_000);
