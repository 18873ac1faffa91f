import type { ClusterConfig, ConfigDocument } from "../../config/load.ts";
import type { Secrets } from "./secrets.ts";

export interface DaemonOptions {
  readonly config: ClusterConfig;
  readonly document: ConfigDocument;
  readonly configHash: string;
  readonly configSourceAtMs: number;
  readonly dataDir: string;
  readonly secrets: Secrets;
  readonly version: string;
  /** `$ARVADOS_SERVICE_INTERNAL_URL`, or "". */
  readonly serviceInternalUrl: string;
  /** `$ARVADOS_SERVER_ADDRESS`, or "". */
  readonly serverAddress: string;
  /** PATH of the loopback driver's instances. */
  readonly searchPath: string | undefined;
  /** A bug: the process is to end with exit code 70. */
  readonly onBug: (error: unknown) => void;
  /** An operator asked for it; with `drain` once nothing is left. */
  readonly onStopped: (reason: string) => void;
}
