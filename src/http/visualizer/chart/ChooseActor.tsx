import type { Chart } from "../../wire/chart.ts";
import { hrefTo, navigate } from "../routing.ts";
import { store } from "../session.ts";
import { ONLY_ACTORS } from "./charts.ts";

const ASKS = {
  worker: "Worker or instance",
  container: "Container",
  capacity: "Capacity key",
} as const;

/** Whose states glow. Of some machines there is one only: nothing is to be chosen. */
export function ChooseActor({ chart, id }: { readonly chart: Chart; readonly id: string }) {
  const { kind } = chart;
  if (kind in ONLY_ACTORS) return null;
  const label = ASKS[kind as keyof typeof ASKS];
  return (
    <form
      class="choose-actor"
      onSubmit={(event) => {
        event.preventDefault();
        const field = event.currentTarget.elements.namedItem("id") as HTMLInputElement;
        navigate({ query: { id: field.value.trim() } });
      }}
    >
      <label>
        {label}
        <input
          key={id}
          name="id"
          defaultValue={id}
          list="actors"
          autocomplete="off"
          spellcheck={false}
        />
      </label>
      <datalist id="actors">
        {someIds(kind).map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      <button type="submit">Show</button>
      {id !== "" && <a href={hrefTo({ view: "history", param: id })}>History</a>}
    </form>
  );
}

const OFFERED_MAX = 50;

function someIds(kind: Chart["kind"]): string[] {
  if (kind === "capacity")
    return store.limits.value.flatMap((limit) =>
      limit.kind === "capacity" ? [`capacity:${limit.id}`] : [],
    );
  const ids: string[] = [];
  const add = (id: string): boolean => ids.push(id) < OFFERED_MAX;
  if (kind === "worker") {
    for (const { worker_id, instance_id } of store.workers.values())
      if (!add(instance_id || worker_id)) break;
  } else
    for (const { container_uuid } of store.containers.values()) if (!add(container_uuid)) break;
  return ids;
}
