import { error, type Finding } from "./finding.ts";
import type { ClusterConfig } from "./load.ts";

/**
 * What a config lacks for the daemon to start; the other commands can do without it. With the embedded queue nothing is
 * needed: address, tokens and key are the daemon's own.
 */
export function findMissingForDaemon(config: ClusterConfig): Finding[] {
  if (config.dispatchCloud.queue.driver === "embedded") return [];
  const prefix = `Clusters.${config.id}`;
  const needed: [string, string, string][] = [
    [
      "Services.Controller.ExternalURL",
      config.services.controller.externalURL,
      "the controller's URL, such as https://controller.example.org/",
    ],
    ["SystemRootToken", config.systemRootToken, "the cluster's root token"],
    [
      "Containers.DispatchPrivateKey",
      config.containers.dispatchPrivateKey,
      "a private key as PEM text or file:///path",
    ],
  ];
  return needed
    .filter(([, value]) => value === "")
    .map(([key, , expected]) => {
      const place = `${prefix}.${key}`;
      const way = `(or set ${prefix}.DispatchCloud.Queue.Driver to embedded)`;
      return error(place, `${place} is empty: expected ${expected} ${way}`);
    });
}
