import type { z } from "zod";
import { containers } from "./containers.section.ts";
import { dispatchCloud } from "./dispatch-cloud.section.ts";
import {
  choice,
  count,
  duration,
  flag,
  key,
  optionalSection,
  section,
  text,
  textMap,
} from "./fields.ts";
import { instanceTypes } from "./instance-types.section.ts";
import { services } from "./services.section.ts";

const postgreSQL = optionalSection({
  connection: key(
    "Connection",
    textMap({ host: "", port: "", user: "", password: "", dbname: "" })
      .describe("libpq parameters; empty ones are left out")
      .transform(lowerCased),
  ),
  connectionPool: key("ConnectionPool", count(32, 1), "Greatest number of open connections"),
});

function lowerCased(map: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(map).map(([name, value]) => [name.toLowerCase(), value]),
  );
}

const tls = optionalSection({
  insecure: key("Insecure", flag(false), "Do not verify the controller's certificate"),
  certificate: key("Certificate", text(""), "PEM or file:// reference, for an https listen URL"),
  key: key("Key", text(""), "PEM or file:// reference, for an https listen URL"),
  acme: key("ACME", optionalSection({ server: key("Server", text("")) })),
});

const LOG_LEVELS = [
  "panic",
  "fatal",
  "error",
  "warn",
  "warning",
  "info",
  "debug",
  "trace",
] as const;

const systemLogs = optionalSection({
  logLevel: key(
    "LogLevel",
    choice(LOG_LEVELS, "info").transform((level) => (level === "warning" ? "warn" : level)),
  ),
  format: key("Format", choice(["json", "text", "plain"], "json")),
  requestQueueDumpDirectory: key(
    "RequestQueueDumpDirectory",
    text(""),
    "Where to write a listing of requests under load",
  ),
});

const api = optionalSection({
  requestTimeoutMs: key(
    "RequestTimeout",
    duration("5m"),
    "Deadline of an inbound request; 0 is none",
  ),
  maxConcurrentRequests: key(
    "MaxConcurrentRequests",
    count(64),
    "Inbound; a quarter of it bounds outbound API calls",
  ),
  maxQueuedRequests: key("MaxQueuedRequests", count(128)),
  maxQueueTimeForLockRequestsMs: key("MaxQueueTimeForLockRequests", duration("2s")),
  maxGatewayTunnels: key("MaxGatewayTunnels", count(1000)),
  maxItemsPerResponse: key("MaxItemsPerResponse", count(1000, 1)),
  maxRequestAmplification: key("MaxRequestAmplification", count(4)),
});

/** `Clusters.<id>`: the keys that this program reads (specification §1.3), mapped to camelCase, spans to ms, sizes to bytes. */
export const clusterSchema = section({
  systemRootToken: key(
    "SystemRootToken",
    text(""),
    "API token for all controller calls; letters and digits",
  ),
  managementToken: key(
    "ManagementToken",
    text(""),
    "Bearer token of the management API; empty disables it",
  ),
  services: key("Services", services),
  postgreSQL: key("PostgreSQL", postgreSQL),
  tls: key("TLS", tls),
  systemLogs: key("SystemLogs", systemLogs),
  api: key("API", api),
  instanceTypes: key("InstanceTypes", instanceTypes),
  containers: key("Containers", containers),
  dispatchCloud: key("DispatchCloud", dispatchCloud),
});

export type ParsedCluster = z.output<typeof clusterSchema>;
