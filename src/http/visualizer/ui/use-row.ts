import { useEffect, useState } from "preact/hooks";
import type { RowTable } from "../store/row-table.ts";

/** A row as it changes; undefined where there is none. */
export function useRow<Row>(table: RowTable<Row>, id: string): Row | undefined {
  const [, setCount] = useState(0);
  useEffect(
    () =>
      table.subscribe((changed) => {
        if (changed === null || changed.has(id)) setCount((count) => count + 1);
      }),
    [table, id],
  );
  return table.get(id);
}
