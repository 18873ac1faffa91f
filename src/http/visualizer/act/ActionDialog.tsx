import { useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { actOnContainer, actOnWorker } from "../api/endpoints.ts";
import type { ContainerAction, WorkerAction } from "../api/endpoints.ts";
import { session } from "../session.ts";
import { cut } from "../ui/words.ts";
import { interruptedBy, nameOf, type Action, type Subject } from "./action.ts";
import "./action-dialog.css";

interface ActionDialogProps {
  readonly action: Action;
  readonly subject: Subject;
  /** With how it went; "" if it was not asked for. */
  readonly onClose: (outcome: string) => void;
}

/** More of them are counted, not named. */
const NAMED_MAX = 50;
const REASON_MAX = 1000;

/** Says what an action would interrupt, takes the reason, and asks for it. A modal dialog: Escape closes it. */
export function ActionDialog({ action, subject, onClose }: ActionDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [reason, setReason] = useState("");
  const [trouble, setTrouble] = useState("");
  const [isSending, setSending] = useState(false);
  const title = useId();
  // Before the next key comes.
  useLayoutEffect(() => {
    const { activeElement } = document;
    dialog.current?.showModal();
    // Whoever works by keyboard goes on where they were.
    return () => activeElement instanceof HTMLElement && activeElement.focus();
  }, []);
  const onSubmit = async (event: Event) => {
    event.preventDefault();
    if (isSending) return;
    setSending(true);
    setTrouble("");
    try {
      onClose(await ask(action, subject, reason.trim()));
    } catch (error) {
      setSending(false);
      setTrouble(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <dialog ref={dialog} class="action-dialog" aria-labelledby={title} onClose={() => onClose("")}>
      <form onSubmit={(event) => void onSubmit(event)}>
        <h2 id={title}>
          {action.label} <span class="mono">{cut(nameOf(subject), 80)}</span>?
        </h2>
        <p>{action.about}</p>
        <Interrupted uuids={interruptedBy(action, subject)} />
        <label>
          Reason, for the journal
          <input
            type="text"
            value={reason}
            maxLength={REASON_MAX}
            onInput={(event) => setReason(event.currentTarget.value)}
          />
        </label>
        {trouble !== "" && (
          <p class="trouble" role="alert">
            {trouble}
          </p>
        )}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Leave it
          </button>
          <button type="submit" class={action.isHarsh ? "danger" : "primary"} disabled={isSending}>
            {isSending ? "Asking…" : action.label}
          </button>
        </div>
      </form>
    </dialog>
  );
}

function Interrupted({ uuids }: { readonly uuids: readonly string[] }) {
  if (uuids.length === 0) return <p>Nothing that runs is interrupted.</p>;
  const restCount = uuids.length - NAMED_MAX;
  return (
    <div class="interrupted">
      <p>
        <b>
          It interrupts {uuids.length} {uuids.length === 1 ? "container" : "containers"}:
        </b>
      </p>
      <ul>
        {uuids.slice(0, NAMED_MAX).map((uuid) => (
          <li class="mono" key={uuid}>
            {cut(uuid, 120)}
          </li>
        ))}
      </ul>
      {restCount > 0 && <p>and {restCount} more</p>}
    </div>
  );
}

async function ask(action: Action, subject: Subject, reason: string): Promise<string> {
  const { changed } =
    subject.kind === "worker"
      ? await actOnWorker(session.api, subject.row.worker_id, action.name as WorkerAction, reason)
      : await actOnContainer(
          session.api,
          subject.row.container_uuid,
          action.name as ContainerAction,
          reason,
        );
  return changed
    ? `${action.label}: it is in the journal, and being done.`
    : `${action.label}: it was so already; nothing has changed.`;
}
