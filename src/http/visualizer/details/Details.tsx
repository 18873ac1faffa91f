import { useEffect, useRef } from "preact/hooks";
import { Actions } from "../act/Actions.tsx";
import { hrefTo } from "../routing.ts";
import { store } from "../session.ts";
import { cut, shortId } from "../ui/words.ts";
import { useRow } from "../ui/use-row.ts";
import { useShortcut } from "../ui/use-shortcut.ts";
import { ContainerFacts } from "./ContainerFacts.tsx";
import { Why } from "./Why.tsx";
import { WorkerFacts } from "./WorkerFacts.tsx";
import "./details.css";

interface DetailsProps {
  /** Of a worker or a container. */
  readonly id: string;
  readonly onClose: () => void;
}

/** What is known of one worker or container: facts, why, and what can be done. */
export function Details({ id, onClose }: DetailsProps) {
  const worker = useRow(store.workers, id);
  const container = useRow(store.containers, id);
  const head = useRef<HTMLHeadingElement>(null);
  useEffect(() => head.current?.focus({ preventScroll: true }), [id]);
  useShortcut("Escape", onClose);
  const title = worker ? worker.instance_type : (container?.name ?? "");
  const kind = worker ? "worker" : container ? "container" : "";
  return (
    <aside class="details" aria-label="Details">
      <div class="details-head">
        <h2 ref={head} tabIndex={-1} class="mono" title={id}>
          {shortId(worker && worker.instance_id !== "" ? worker.instance_id : id)}
          {title !== "" && <span class="name"> {cut(title, 60)}</span>}
        </h2>
        <button type="button" class="quiet" onClick={onClose} aria-label="Close the details">
          ✕
        </button>
      </div>
      <Links id={id} kind={kind} />
      {worker && <Actions subject={{ kind: "worker", row: worker }} />}
      {container && <Actions subject={{ kind: "container", row: container }} />}
      {kind === "" && (
        <p class="note">
          The dispatcher does not know it at this moment: it has left, or has not come yet.
        </p>
      )}
      {worker && <WorkerFacts row={worker} />}
      {container && <ContainerFacts row={container} />}
      <Why id={id} row={worker ?? container} />
    </aside>
  );
}

/** To the other views of the same. */
function Links({ id, kind }: { readonly id: string; readonly kind: string }) {
  return (
    <p class="links">
      <a href={hrefTo({ view: "history", param: id })}>History</a>
      {kind !== "" && (
        <a href={hrefTo({ view: "chart", param: kind, query: { id } })}>State chart</a>
      )}
      <button
        type="button"
        class="quiet"
        onClick={() => void navigator.clipboard?.writeText(id)}
        title={id}
      >
        Copy the id
      </button>
    </p>
  );
}
