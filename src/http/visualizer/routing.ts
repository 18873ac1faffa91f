import { signal, type ReadonlySignal } from "@preact/signals";
import { formatRoute, parseRoute, type Route } from "./route.ts";

const current = signal<Route>(parseRoute(location.hash));

/** Where the page is; views read it, `navigate` and the browser's own buttons change it. */
export const route: ReadonlySignal<Route> = current;

addEventListener("hashchange", () => {
  current.value = parseRoute(location.hash);
});

/** A part of a route; the moment (`at`) stays as it is unless it is given. */
export type RouteTo = { readonly view?: string; readonly param?: string } & {
  readonly query?: Readonly<Record<string, string>>;
};

/**
 * Goes somewhere. Another view starts with an empty query, but for the moment; the same one keeps what is not given.
 * `replace` leaves no entry in the browser's history: for what changes all the time, as a text being typed.
 */
export function navigate(to: RouteTo, { replace = false } = {}): void {
  const next = resolveRoute(to);
  const hash = formatRoute(next);
  if (hash === location.hash) return;
  if (replace) {
    history.replaceState(null, "", hash);
    current.value = next;
  } else location.hash = hash;
}

/** The address of the same, for a link. */
export function hrefTo(to: RouteTo): string {
  return formatRoute(resolveRoute(to));
}

function resolveRoute(to: RouteTo): Route {
  const now = current.value;
  const view = to.view ?? now.view;
  const isSame = view === now.view;
  const at = now.query["at"] ?? "";
  const kept = isSame ? now.query : { at };
  return { view, param: to.param ?? (isSame ? now.param : ""), query: { ...kept, ...to.query } };
}
