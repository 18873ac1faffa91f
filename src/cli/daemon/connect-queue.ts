import { makeArvadosClient } from "../../drivers/queue/arvados/client.ts";
import { makeArvadosQueue } from "../../drivers/queue/arvados/queue.ts";
import { OWN_KEY_HEADER } from "../../http/identify.ts";
import type { Base } from "./base.ts";
import type { DaemonOptions } from "./daemon-options.ts";
import type { LateQueue } from "./late-queue.ts";

/** Where the daemon listens, and the key by which it knows its own requests. */
interface OwnService {
  readonly address: string;
  readonly ownKey: string;
}

/** Lets the queue reach its controller, which is this daemon itself where none is configured; returns what ends it. */
export function connectQueue(
  queue: LateQueue,
  { config, secrets, serverAddress }: DaemonOptions,
  { clock }: Pick<Base, "clock">,
  { address, ownKey }: OwnService,
): () => void {
  const { externalURL } = config.services.controller;
  const isEmbedded = config.dispatchCloud.queue.driver === "embedded";
  const client = makeArvadosClient({
    baseUrl: externalURL || address,
    token: secrets.systemRootToken,
    insecure: config.tls.insecure,
    dialAddress: serverAddress || undefined,
    timeoutMs: config.dispatchCloud.queue.requestTimeoutMs,
    concurrencyMax: Math.floor(config.api.maxConcurrentRequests / 4),
    nowMs: () => clock.nowMs(),
    // So that nobody else can take the turns of these.
    ...(isEmbedded ? { headers: { [OWN_KEY_HEADER]: ownKey } } : {}),
  });
  queue.set(
    makeArvadosQueue({ client, extras: isEmbedded ? ["request_name", "lock_count"] : [] }),
    apiHostOf(externalURL || (isEmbedded ? address : "")),
  );
  return () => client.close();
}

/** As crunch-run wants it: `host[:port]`; our own runner also takes a URL, which it needs where it is not https. */
function apiHostOf(url: string): string {
  if (url === "") return "";
  const { protocol, host, origin } = new URL(url);
  return protocol === "http:" ? origin : host;
}
