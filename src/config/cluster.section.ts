import type { z } from "zod";
import { containers } from "./containers.section.ts";
import { dispatchCloud } from "./dispatch-cloud.section.ts";
import { choice, count, duration, flag, section, text, textMap } from "./fields.ts";
import { instanceTypes } from "./instance-types.section.ts";
import { services } from "./services.section.ts";

const postgreSQL = section({
  Connection: textMap({ host: "", port: "", user: "", password: "", dbname: "" }).describe(
    "libpq parameters; empty ones are left out",
  ),
  ConnectionPool: count(32, 1).describe("Greatest number of open connections"),
})
  .prefault({})
  .transform((o) => ({
    connection: Object.fromEntries(
      Object.entries(o.Connection).map(([key, value]) => [key.toLowerCase(), value]),
    ),
    connectionPool: o.ConnectionPool,
  }));

const tls = section({
  Insecure: flag(false).describe("Do not verify the controller's certificate"),
  Certificate: text("").describe("PEM or file:// reference, for an https listen URL"),
  Key: text("").describe("PEM or file:// reference, for an https listen URL"),
  ACME: section({ Server: text("") }).prefault({}),
})
  .prefault({})
  .transform((o) => ({
    insecure: o.Insecure,
    certificate: o.Certificate,
    key: o.Key,
    acme: { server: o.ACME.Server },
  }));

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

const systemLogs = section({
  LogLevel: choice(LOG_LEVELS, "info"),
  Format: choice(["json", "text", "plain"], "json"),
  RequestQueueDumpDirectory: text("").describe("Where to write a listing of requests under load"),
})
  .prefault({})
  .transform((o) => ({
    logLevel: o.LogLevel === "warning" ? ("warn" as const) : o.LogLevel,
    format: o.Format,
    requestQueueDumpDirectory: o.RequestQueueDumpDirectory,
  }));

const api = section({
  RequestTimeout: duration("5m").describe("Deadline of an inbound request; 0 is none"),
  MaxConcurrentRequests: count(64).describe("Inbound; a quarter of it bounds outbound API calls"),
  MaxQueuedRequests: count(128),
  MaxQueueTimeForLockRequests: duration("2s"),
  MaxGatewayTunnels: count(1000),
  MaxItemsPerResponse: count(1000, 1),
  MaxRequestAmplification: count(4),
})
  .prefault({})
  .transform((o) => ({
    requestTimeoutMs: o.RequestTimeout,
    maxConcurrentRequests: o.MaxConcurrentRequests,
    maxQueuedRequests: o.MaxQueuedRequests,
    maxQueueTimeForLockRequestsMs: o.MaxQueueTimeForLockRequests,
    maxGatewayTunnels: o.MaxGatewayTunnels,
    maxItemsPerResponse: o.MaxItemsPerResponse,
    maxRequestAmplification: o.MaxRequestAmplification,
  }));

/** `Clusters.<id>`: the keys that this program reads (specification §1.3), mapped to camelCase, spans to ms, sizes to bytes. */
export const clusterSchema = section({
  SystemRootToken: text("").describe("API token for all controller calls; letters and digits"),
  ManagementToken: text("").describe("Bearer token of the management API; empty disables it"),
  Services: services,
  PostgreSQL: postgreSQL,
  TLS: tls,
  SystemLogs: systemLogs,
  API: api,
  InstanceTypes: instanceTypes,
  Containers: containers,
  DispatchCloud: dispatchCloud,
}).transform((o) => ({
  systemRootToken: o.SystemRootToken,
  managementToken: o.ManagementToken,
  services: o.Services,
  postgreSQL: o.PostgreSQL,
  tls: o.TLS,
  systemLogs: o.SystemLogs,
  api: o.API,
  instanceTypes: o.InstanceTypes,
  containers: o.Containers,
  dispatchCloud: o.DispatchCloud,
}));

export type ParsedCluster = z.output<typeof clusterSchema>;
