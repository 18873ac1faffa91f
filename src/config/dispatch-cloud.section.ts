import {
  byteSize,
  choice,
  count,
  flag,
  interval,
  key,
  optionalSection,
  span,
  text,
  textList,
} from "./fields.ts";
import { settingKeys } from "./setting-keys.ts";

const journal = optionalSection({
  maxAgeMs: key("MaxAge", span("2160h"), "Older records are removed; 0: no limit"),
  maxBytes: key(
    "MaxBytes",
    byteSize("4GiB", 0),
    "The oldest records beyond it are removed; 0: no limit",
  ),
  checkpointRecords: key("CheckpointRecords", count(10_000, 1), "Records between two checkpoints"),
  ballastBytes: key(
    "BallastBytes",
    byteSize("4MiB", 0),
    "Kept free for the last commands when the disk is full",
  ),
});

const queue = optionalSection({
  driver: key(
    "Driver",
    choice(["arvados", "embedded"], "arvados"),
    "A controller's queue, or this daemon's own",
  ),
  requestTimeoutMs: key(
    "RequestTimeout",
    interval("30s"),
    "Deadline of one request to the controller",
  ),
  maxBytes: key(
    "MaxBytes",
    byteSize("1GiB", 0),
    "Of the embedded queue's file: beyond it nothing is submitted; 0: no limit",
  ),
});

const logs = optionalSection({
  maxBytes: key(
    "MaxBytes",
    byteSize("1GiB", 0),
    "Of a container's stdout.log and stderr.log each (process runtime); what comes beyond is cut; 0: no limit",
  ),
});

const ssh = optionalSection({
  connectTimeoutMs: key("ConnectTimeout", interval("1m")),
  commandTimeoutMs: key("CommandTimeout", interval("1m")),
});

const page = optionalSection({
  enabled: key("Enabled", flag(true), "Serve the page at /; its data needs the management token"),
  readOnly: key("ReadOnly", flag(false), "Refuse everything that would change something over HTTP"),
  hosts: key(
    "Hosts",
    textList(),
    "Further names under which browsers reach this service, with a port or for any: dispatch.example.org",
  ),
});

const { planIntervalMs, ...otherSettings } = settingKeys("DispatchCloud");

/** `Clusters.<id>.DispatchCloud`: this program's own settings, all in one section, in the order in which it is dumped. */
export const dispatchCloud = optionalSection({
  dataDir: key(
    "DataDir",
    text("/var/lib/dispatch-cloud").refine((path) => path !== "", { error: "a directory" }),
    "Journal, queue and tokens; a relative path is under the working directory",
  ),
  journal: key("Journal", journal),
  queue: key("Queue", queue),
  logs: key("Logs", logs),
  ssh: key("SSH", ssh),
  planIntervalMs,
  ...otherSettings,
  page: key("Page", page),
  cloudRequestTimeoutMs: key(
    "CloudRequestTimeout",
    interval("5m"),
    "Deadline of one call to the cloud",
  ),
});
