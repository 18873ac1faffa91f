import type { ClusterConfig } from "../../config/load.ts";
import { listen } from "../../http/listen.ts";
import type { Listener } from "../../http/listen.ts";
import { listenCandidates } from "../../http/listen-address.ts";
import type { OnClose } from "./closers.ts";
import { makeHttpApp } from "./http-app.ts";
import type { HttpContext } from "./http-app.ts";
import { keepCertificate, readCertificate } from "./tls.ts";

interface ServeContext extends HttpContext {
  /** `$ARVADOS_SERVICE_INTERNAL_URL`, or "". */
  readonly serviceInternalUrl: string;
}

const CLOSE_GRACE_MS = 2_000;

/** Takes requests, at the first address that can be had. */
export async function serve(context: ServeContext, onClose: OnClose): Promise<Listener> {
  const { config, clock, log } = context;
  const http = makeHttpApp(context);
  onClose(http.close);
  const urls = listenUrls(config);
  const { candidates, warning } = listenCandidates(urls, context.serviceInternalUrl);
  if (warning) log.warn({}, warning);
  const tls = readCertificate(config);
  const listener = await listen(http.app, { candidates, clock, ...(tls ? { tls } : {}) });
  onClose(() => listener.close(CLOSE_GRACE_MS));
  onClose(keepCertificate(config, { listener, clock, log }));
  return listener;
}

/** A port of its own choosing where the embedded queue's config names no address. */
function listenUrls(
  config: ClusterConfig,
): ClusterConfig["services"]["dispatchCloud"]["internalURLs"] {
  const urls = config.services.dispatchCloud.internalURLs;
  const isEmbedded = config.dispatchCloud.queue.driver === "embedded";
  if (Object.keys(urls).length > 0 || !isEmbedded) return urls;
  return { "http://127.0.0.1:0/": { listenURL: "", rendezvous: "" } };
}
