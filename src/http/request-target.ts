import { Problem } from "./problem.ts";

export interface RequestTarget {
  /** Percent-decoded. */
  readonly path: string;
  /** With its question mark, as sent; or "". */
  readonly search: string;
  /** From the root on, as sent. */
  readonly raw: string;
}

/** Splits what stands in the request line. Throws `Problem` where an escape in the path is no UTF-8. */
export function parseTarget(url: string): RequestTarget {
  const origin = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i.exec(url)?.[0] ?? "";
  const [raw = ""] = url.slice(origin.length).split("#");
  const at = raw.indexOf("?");
  const rawPath = (at < 0 ? raw : raw.slice(0, at)) || "/";
  const search = at < 0 ? "" : raw.slice(at);
  try {
    return { path: decodeURIComponent(rawPath), search, raw: rawPath + search };
  } catch {
    throw new Problem(400, "bad-path", "the path is not percent-encoded UTF-8");
  }
}

/** The query as others may see it: tokens in it are hidden, however their name is escaped. */
export function shownSearch(search: string): string {
  return search.replace(/[^?&]+/g, (pair) => {
    const [name = ""] = pair.split("=");
    const isSecret = [...new URLSearchParams(name).keys()].some((key) => /token/i.test(key));
    return isSecret ? `${name}=[hidden]` : pair;
  });
}
