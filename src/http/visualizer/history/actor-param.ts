/** How an address names what a record names `worker/ID`, `quota/dispatcher`, `capacity/KEY`. */
export function actorParam(actor: string): string {
  const slash = actor.indexOf("/");
  const kind = actor.slice(0, slash);
  const id = actor.slice(slash + 1);
  if (kind === "worker" || kind === "container") return id;
  return kind === "capacity" ? `capacity:${id}` : kind;
}
