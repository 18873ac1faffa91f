import {
  byteSize,
  choice,
  count,
  duration,
  flag,
  interval,
  section,
  text,
  textList,
} from "./fields.ts";

const journal = section({
  MaxAge: duration("2160h").describe("Older records are removed; 0: no limit"),
  MaxBytes: byteSize("4GiB", 0).describe("The oldest records beyond it are removed; 0: no limit"),
  CheckpointRecords: count(10_000, 1).describe("Records between two checkpoints"),
  BallastBytes: byteSize("4MiB", 0).describe(
    "Kept free for the last commands when the disk is full",
  ),
})
  .prefault({})
  .transform((o) => ({
    maxAgeMs: Math.max(0, o.MaxAge),
    maxBytes: o.MaxBytes,
    checkpointRecords: o.CheckpointRecords,
    ballastBytes: o.BallastBytes,
  }));

const queue = section({
  Driver: choice(["arvados", "embedded"], "arvados").describe(
    "A controller's queue, or this daemon's own",
  ),
  RequestTimeout: interval("30s").describe("Deadline of one request to the controller"),
  MaxBytes: byteSize("1GiB", 0).describe(
    "Of the embedded queue's file: beyond it nothing is submitted; 0: no limit",
  ),
})
  .prefault({})
  .transform((o) => ({
    driver: o.Driver,
    requestTimeoutMs: o.RequestTimeout,
    maxBytes: o.MaxBytes,
  }));

const logs = section({
  MaxBytes: byteSize("1GiB", 0).describe(
    "Of a container's stdout.log and stderr.log each (process runtime); what comes beyond is cut; 0: no limit",
  ),
})
  .prefault({})
  .transform((o) => ({ maxBytes: o.MaxBytes }));

const ssh = section({ ConnectTimeout: interval("1m"), CommandTimeout: interval("1m") })
  .prefault({})
  .transform((o) => ({ connectTimeoutMs: o.ConnectTimeout, commandTimeoutMs: o.CommandTimeout }));

/** `Clusters.<id>.DispatchCloud`: this program's own settings, all in one section. */
export const dispatchCloud = section({
  DataDir: text("/var/lib/dispatch-cloud")
    .refine((path) => path !== "", { error: "a directory" })
    .describe("Journal, queue and tokens; a relative path is under the working directory"),
  Journal: journal,
  Queue: queue,
  Logs: logs,
  SSH: ssh,
  PlanInterval: interval("20ms").describe("Pause between two runs of the planner"),
  TimeoutStart: interval("15s").describe("How long a start without answer may still turn up"),
  Page: section({
    Enabled: flag(true).describe("Serve the page at /; its data needs the management token"),
    ReadOnly: flag(false).describe("Refuse everything that would change something over HTTP"),
    Hosts: textList().describe(
      "Further names under which browsers reach this service, with a port or for any: dispatch.example.org",
    ),
  })
    .prefault({})
    .transform((o) => ({ enabled: o.Enabled, readOnly: o.ReadOnly, hosts: o.Hosts })),
  CloudRequestTimeout: interval("5m").describe("Deadline of one call to the cloud"),
})
  .prefault({})
  .transform((o) => ({
    dataDir: o.DataDir,
    journal: o.Journal,
    queue: o.Queue,
    logs: o.Logs,
    ssh: o.SSH,
    planIntervalMs: o.PlanInterval,
    timeoutStartMs: o.TimeoutStart,
    page: o.Page,
    cloudRequestTimeoutMs: o.CloudRequestTimeout,
  }));
