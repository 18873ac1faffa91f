import { useState } from "preact/hooks";
import { actionsBarred } from "../session.ts";
import { actionsFor, type Action, type Subject } from "./action.ts";
import { ActionDialog } from "./ActionDialog.tsx";

/** Buttons for what can be asked for, and how the last request went. */
export function Actions({ subject }: { readonly subject: Subject }) {
  const [asked, setAsked] = useState<Action | null>(null);
  const [outcome, setOutcome] = useState("");
  const barred = actionsBarred.value;
  const close = (text: string) => {
    setAsked(null);
    if (text !== "") setOutcome(text);
  };
  return (
    <div class="actions" role="group" aria-label="Actions">
      {actionsFor(subject).map((action) => (
        <button
          type="button"
          key={action.name}
          class={action.isHarsh ? "danger" : ""}
          disabled={barred !== "" || action.barred !== ""}
          title={barred || action.barred || action.about}
          onClick={() => {
            setOutcome("");
            setAsked(action);
          }}
        >
          {action.label}…
        </button>
      ))}
      {barred !== "" && <p class="dim">Nothing can be done here: {barred}.</p>}
      <p role="status">{outcome}</p>
      {asked && <ActionDialog action={asked} subject={subject} onClose={close} />}
    </div>
  );
}
