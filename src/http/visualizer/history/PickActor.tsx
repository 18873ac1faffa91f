import { useState } from "preact/hooks";
import { hrefTo, navigate } from "../routing.ts";
import { store } from "../session.ts";
import { StateMark } from "../ui/StateMark.tsx";
import { shortId } from "../ui/words.ts";

const SHOWN = 60;

/** Whose history is it to be? */
export function PickActor() {
  const [id, setId] = useState("");
  // Read for the sake of its changes: the rows are no signals.
  const workers = store.seq.value >= 0 ? [...store.workers.values()].slice(0, SHOWN) : [];
  return (
    <div class="pick-actor">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (id.trim() !== "") navigate({ param: id.trim(), query: { seq: "" } });
        }}
      >
        <label>
          A worker, an instance or a container by its id; also <code>supervisor</code>,{" "}
          <code>quota</code>, <code>throttle</code>, <code>capacity:KEY</code>
          <input
            value={id}
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setId(event.currentTarget.value)}
          />
        </label>
        <button type="submit" class="primary">
          Show its history
        </button>
      </form>
      {workers.length > 0 && <h2>Workers at this moment</h2>}
      <ul>
        {workers.map(({ worker_id, lifecycle, instance_type }) => (
          <li key={worker_id}>
            <a href={hrefTo({ view: "history", param: worker_id, query: { seq: "" } })}>
              <StateMark state={lifecycle} /> <span class="mono">{shortId(worker_id)}</span>{" "}
              <span class="dim">{instance_type}</span>
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}
