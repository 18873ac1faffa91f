import { readFileSync } from "node:fs";
import type { Client } from "./controller.ts";

interface OneAddressClient extends Client {
  close(): void;
}

/**
 * A client of an API that may stand at another address after each of its restarts, as a dispatcher with a port of the
 * system's choice does. `addressFile` is its `daemon.json`, looked at before each call; without a file, or one that tells
 * an address, calls go where the last one went.
 */
export function makeMovingClient(
  firstUrl: string,
  addressFile: string,
  open: (baseUrl: string) => OneAddressClient,
): Client {
  let baseUrl = firstUrl;
  let client = open(baseUrl);
  return {
    request(...call) {
      const url = addressIn(addressFile) ?? baseUrl;
      if (url !== baseUrl) {
        client.close();
        client = open(url);
        baseUrl = url;
      }
      return client.request(...call);
    },
  };
}

function addressIn(path: string): string | undefined {
  try {
    const { url } = JSON.parse(readFileSync(path, "utf8")) as { url?: unknown };
    return typeof url === "string" && /^https?:\/\//.test(url) && URL.canParse(url)
      ? url
      : undefined;
  } catch {
    // Nobody runs there now.
    return undefined;
  }
}
