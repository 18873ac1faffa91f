import { z } from "zod";

/*
 * Keys of an Arvados site's config that other components read. They are listed so that they cause no warning, and, apart
 * from what specification §1.1 has us check, they are not looked into.
 */

function known(names: string): Record<string, z.ZodUnknown> {
  return Object.fromEntries(names.split(/\s+/).map((name) => [name, z.unknown()]));
}

const service = z.object({
  ExternalURL: z.unknown(),
  InternalURLs: z.record(z.string(), z.object(known("ListenURL Rendezvous"))),
});

const SERVICES =
  "Composer ContainerWebServices Controller DispatchCloud DispatchLSF DispatchSLURM GitHTTP GitSSH Health Keepbalance " +
  "Keepproxy Keepstore Nodemanager RailsAPI SSO WebDAV WebDAVDownload WebShell Websocket Workbench1 Workbench2";

export const otherKeys = z.object({
  ...known("AuditLogs ClusterID Collections Git Login Mail StorageClasses Users Volumes Workbench"),
  Services: z.object({
    ...Object.fromEntries(SERVICES.split(" ").map((name) => [name, service])),
    ContainerWebServices: service.extend(known("ExternalPortMin ExternalPortMax")),
  }),
  RemoteClusters: z.record(z.string(), z.object(known("ActivateUsers Host Insecure Proxy Scheme"))),
  API: z.object(
    known(
      "AsyncPermissionsUpdateInterval DisabledAPIs FreezeProjectRequiresDescription FreezeProjectRequiresProperties " +
        "KeepServiceRequestTimeout LockBeforeUpdate LogCreateRequestFraction MaxConcurrentRailsRequests " +
        "MaxIndexDatabaseRead MaxKeepBlobBuffers MaxRequestSize MaxTokenLifetime RailsSessionSecretToken SendTimeout " +
        "UnfreezeProjectRequiresAdmin VocabularyPath WebsocketClientEventQueue " +
        "WebsocketServerEventQueue",
    ),
  ),
  SystemLogs: z.object(known("MaxRequestLogParamsSize")),
  Containers: z.object(
    known(
      "AlwaysUsePreemptibleInstances DefaultKeepCacheDisk DefaultKeepCacheRAM JobsAPI LSF LogReuseDecisions " +
        "Logging MaxComputeVMs MaxRetryAttempts MinRetryPeriod SLURM ShellAccess SupportedDockerImageFormats " +
        "UsePreemptibleInstances",
    ),
  ),
});
