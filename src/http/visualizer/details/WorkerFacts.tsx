import type { WorkerRow } from "../../wire/worker.ts";
import { select } from "../fleet/selection.ts";
import { store } from "../session.ts";
import { Age, Countdown } from "../ui/Age.tsx";
import { formatMoney, formatSize } from "../../../machines/model/amounts.ts";
import { shortId } from "../ui/words.ts";
import { STATE_MARKS } from "../ui/states.ts";
import { StateMark } from "../ui/StateMark.tsx";
import { Fact, LongText } from "./Fact.tsx";

export function WorkerFacts({ row }: { readonly row: WorkerRow }) {
  const type = store.facts.value?.instanceTypes.get(row.instance_type);
  return (
    <dl class="facts">
      <Fact name="State">
        <StateMark state={row.lifecycle} /> <b>{row.lifecycle}</b> for <Age since={row.since} />
        <span class="dim"> – {STATE_MARKS[row.lifecycle].about}</span>
      </Fact>
      <Fact name="Behaviour">
        {row.idle_behavior}
        {row.idle_until !== null && (
          <span class="dim">
            {" "}
            – shut down in <Countdown until={row.idle_until} /> if it stays idle
          </span>
        )}
      </Fact>
      <Fact name="Type">
        <LongText text={row.instance_type} />
        {type && (
          <span class="dim">
            {" "}
            – {type.vcpus} vCPU, {formatSize(type.ram)}
            {type.gpus > 0 ? `, ${type.gpus} GPU` : ""}
            {type.preemptible ? ", preemptible" : ""}
          </span>
        )}
      </Fact>
      <Fact name="Price">{formatMoney(row.price)} per hour</Fact>
      <Fact name="Instance">
        {row.instance_id === "" ? "not named yet" : <LongText text={row.instance_id} />}
      </Fact>
      <Fact name="Worker">
        <LongText text={row.worker_id} />
      </Fact>
      {row.address !== "" && (
        <Fact name="Address">
          <LongText text={row.address} />
        </Fact>
      )}
      <Fact name="Asked for">
        <Age since={row.asked_for_at} /> ago
      </Fact>
      <Fact name="Runs">
        {row.container_uuids.length === 0 ? "nothing" : <Ids ids={row.container_uuids} />}
      </Fact>
      {row.shutdown_reason !== "" && (
        <Fact name="Shut down">
          <LongText text={row.shutdown_reason} />
        </Fact>
      )}
      {row.destroy_refused && (
        <Fact name="Destroy">
          the cloud refused it, {row.destroy_refused.count}{" "}
          {row.destroy_refused.count === 1 ? "time" : "times"}, since{" "}
          <Age since={row.destroy_refused.since} /> ago
          {row.destroy_refused.next_at !== null && (
            <>
              , next try in <Countdown until={row.destroy_refused.next_at} />
            </>
          )}
          : <LongText text={row.destroy_refused.error} />
        </Fact>
      )}
      {row.last_error !== "" && (
        <Fact name="Last error">
          <LongText text={row.last_error} />
        </Fact>
      )}
    </dl>
  );
}

/** Each goes to its own details. */
export function Ids({ ids }: { readonly ids: readonly string[] }) {
  return (
    <ul class="ids">
      {ids.map((id) => (
        <li key={id}>
          <button type="button" class="link mono" title={id} onClick={() => select(id)}>
            {shortId(id)}
          </button>
        </li>
      ))}
    </ul>
  );
}
