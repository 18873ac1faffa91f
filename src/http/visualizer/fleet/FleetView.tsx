import { signal } from "@preact/signals";
import { Details } from "../details/Details.tsx";
import { formatCount } from "../../../machines/model/amounts.ts";
import { isNarrow } from "../ui/use-media.ts";
import { FilterBar } from "./FilterBar.tsx";
import { columns, queue } from "./fleet-data.ts";
import { select, selectedId } from "./selection.ts";
import { Queue } from "./Queue.tsx";
import { WorkerColumns } from "./WorkerColumns.tsx";
import "./fleet.css";

/** On a phone there is room for one of the two. */
const part = signal<"workers" | "queue">("workers");

/** Workers by state, the queue beside them, and what is known of the one that is chosen. */
export default function FleetView() {
  const isOneOnly = isNarrow.value;
  const shows = (name: "workers" | "queue") => !isOneOnly || part.value === name;
  return (
    <div class="fleet">
      <FilterBar />
      {isOneOnly && <PartSwitch />}
      <div class="fleet-parts">
        {shows("workers") && <WorkerColumns />}
        {shows("queue") && <Queue />}
        {selectedId.value !== "" && (
          <Details key={selectedId.value} id={selectedId.value} onClose={() => select("")} />
        )}
      </div>
    </div>
  );
}

function PartSwitch() {
  const workersCount = columns.value.reduce((sum, { rows }) => sum + rows.length, 0);
  return (
    <div class="switch" role="group" aria-label="What is shown">
      <button
        type="button"
        aria-pressed={part.value === "workers"}
        onClick={() => (part.value = "workers")}
      >
        Workers ({formatCount(workersCount)})
      </button>
      <button
        type="button"
        aria-pressed={part.value === "queue"}
        onClick={() => (part.value = "queue")}
      >
        Queue ({formatCount(queue.value.length)})
      </button>
    </div>
  );
}
