/** Of `Services.DispatchCloud.InternalURLs`. */
type InternalUrls = Readonly<Record<string, { readonly listenURL: string }>>;

export interface Candidate {
  /** The entry's key, as clients know it. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
}

const PORTS: Readonly<Record<string, number>> = {
  "http:": 80,
  "https:": 443,
  "ws:": 80,
  "wss:": 443,
};

/**
 * Where to listen, in the order to try (specification §2.3). `serviceInternalUrl` is `$ARVADOS_SERVICE_INTERNAL_URL`, "" when
 * unset; a `warning` says that it is none of the configured ones. Throws an `Error` for one that is no http(s) URL.
 */
export function listenCandidates(
  internalUrls: InternalUrls,
  serviceInternalUrl: string,
): { candidates: Candidate[]; warning?: string } {
  if (serviceInternalUrl === "") {
    const entries = Object.entries(internalUrls);
    return { candidates: entries.map(([url, { listenURL }]) => candidate(url, listenURL)) };
  }
  const wanted = parse(serviceInternalUrl).href;
  const entry = Object.entries(internalUrls).find(([url]) => parse(url).href === wanted);
  if (entry) return { candidates: [candidate(entry[0], entry[1].listenURL)] };
  return {
    candidates: [candidate(serviceInternalUrl, "")],
    warning:
      `possible configuration error: listening on ${wanted} (from $ARVADOS_SERVICE_INTERNAL_URL) even though ` +
      "configuration does not have a matching InternalURLs entry",
  };
}

function candidate(url: string, listenUrl: string): Candidate {
  const { protocol, hostname, port } = parse(listenUrl === "" ? url : listenUrl);
  return {
    url,
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? (PORTS[protocol] as number) : Number(port),
    isTls: protocol === "https:" || protocol === "wss:",
  };
}

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed && parsed.protocol in PORTS && parsed.hostname !== "") return parsed;
  throw new Error(
    `cannot listen on ${JSON.stringify(url)}: expected a URL such as http://localhost:9006/`,
  );
}
