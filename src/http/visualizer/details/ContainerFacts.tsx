import type { ContainerRow } from "../../wire/container.ts";
import { store } from "../session.ts";
import { Age, Countdown } from "../ui/Age.tsx";
import { phaseOf } from "../ui/states.ts";
import { Fact, LongText } from "./Fact.tsx";
import { Ids } from "./WorkerFacts.tsx";

export function ContainerFacts({ row }: { readonly row: ContainerRow }) {
  const { record, operation, process, wait_reason: reason } = row;
  return (
    <dl class="facts">
      <Fact name="State">
        <b>{phaseOf(row)}</b>
        <span class="dim">
          {" "}
          – the queue says {record}, workers say {process}
          {operation === "none" ? "" : `, ${operation} is in flight`}
        </span>
      </Fact>
      {reason !== "" && (
        <Fact name="Waits">
          <Age since={row.waiting_since} /> – {store.facts.value?.waitTexts[reason] ?? reason}
        </Fact>
      )}
      {row.rejection !== "" && (
        <Fact name="Turned down">
          <LongText text={row.rejection} />
        </Fact>
      )}
      {row.last_error !== "" && (
        <Fact name="Last error">
          <LongText text={row.last_error} />
        </Fact>
      )}
      {row.retry_at !== null && (
        <Fact name="Tried again">
          in <Countdown until={row.retry_at} />
        </Fact>
      )}
      {row.name !== "" && (
        <Fact name="Name">
          <LongText text={row.name} />
        </Fact>
      )}
      <Fact name="Priority">
        <span title={row.priority === row.given_priority ? "" : `the queue's own: ${row.priority}`}>
          {row.given_priority}
        </span>
        {row.supervisor ? <span class="dim"> – a supervisor of others</span> : null}
      </Fact>
      <Fact name="Runs on">
        {row.worker_ids.length === 0 ? "no worker" : <Ids ids={row.worker_ids} />}
      </Fact>
      <Fact name="May run on">
        <LongText text={row.instance_types.join(", ") || "no type"} />
      </Fact>
      <Fact name="Created">
        <Age since={row.created_at} /> ago, seen first <Age since={row.first_seen_at} /> ago
      </Fact>
      <Fact name="Container">
        <LongText text={row.container_uuid} />
      </Fact>
    </dl>
  );
}
