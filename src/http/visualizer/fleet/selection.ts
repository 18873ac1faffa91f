import { computed } from "@preact/signals";
import { navigate, route } from "../routing.ts";

/** The worker or container that is chosen in the fleet; "" for none. It stands in the address. */
export const selectedId = computed(() => route.value.query["sel"] ?? "");

export function select(id: string): void {
  navigate({ view: "fleet", query: { sel: id } }, { replace: true });
}
