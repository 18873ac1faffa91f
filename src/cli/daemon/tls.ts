import { textOrFile } from "../../config/file-value.ts";
import type { ClusterConfig } from "../../config/load.ts";
import type { Listener } from "../../http/listen.ts";
import type { Clock } from "../../actors/clock.ts";
import type { Logger } from "../../telemetry/logger.ts";

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const RELOAD_EVERY_MS = 3_600_000;

/** What `TLS.Certificate` and `TLS.Key` hold; undefined where they are not set. Throws with the path of a missing file. */
export function readCertificate({ tls }: ClusterConfig): Certificate | undefined {
  if (tls.certificate === "" || tls.key === "") return undefined;
  return { cert: textOrFile(tls.certificate), key: textOrFile(tls.key) };
}

/** Reads the files again every hour and at SIGHUP (specification §2.3). The returned function ends it. */
export function keepCertificate(
  config: ClusterConfig,
  { listener, clock, log }: { listener: Listener; clock: Clock; log: Logger },
): () => void {
  if (!listener.address.startsWith("https:")) return () => {};
  const reload = (): void => {
    try {
      const certificate = readCertificate(config);
      if (certificate) listener.reloadTls(certificate);
      log.info({}, "TLS certificate read again");
    } catch (error) {
      log.error({ err: error }, "TLS certificate cannot be read, the old one stays in use");
    }
  };
  let cancel = (): void => {};
  const hourly = (): void => {
    cancel = clock.setTimer(RELOAD_EVERY_MS, () => {
      reload();
      hourly();
    });
  };
  hourly();
  process.on("SIGHUP", reload);
  return () => {
    cancel();
    process.off("SIGHUP", reload);
  };
}
