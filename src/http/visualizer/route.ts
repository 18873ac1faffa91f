/** What the address says: `#/history/ID?at=SEQ&q=TEXT`. Nothing secret ever stands in it. */
export interface Route {
  /** `fleet`, `chart` … */
  readonly view: string;
  /** What it shows: a chart's kind, an actor's id; "" for none. */
  readonly param: string;
  readonly query: Readonly<Record<string, string>>;
}

export const HOME: Route = { view: "fleet", param: "", query: {} };

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = splitOnce(hash.replace(/^#?\/?/, ""), "?");
  const [view = "", param = ""] = splitOnce(path, "/");
  const query = Object.fromEntries(new URLSearchParams(search));
  return { view: view === "" ? HOME.view : view, param: decoded(param), query };
}

export function formatRoute({ view, param, query }: Route): string {
  const path = param === "" ? view : `${view}/${encodeURIComponent(param)}`;
  const filled = Object.entries(query).filter(([, value]) => value !== "");
  const search = new URLSearchParams(filled).toString();
  return search === "" ? `#/${path}` : `#/${path}?${search}`;
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
