import { useState } from "preact/hooks";
import { hrefTo } from "../routing.ts";
import { formatMoney, formatSpan, formatTime } from "../../../machines/model/amounts.ts";
import type { Lane } from "./lanes.ts";

const PAGE = 100;

interface LanesTableProps {
  readonly lanes: readonly Lane[];
}

/** The lanes in words and numbers. */
export function LanesTable({ lanes }: LanesTableProps) {
  const [count, setCount] = useState(PAGE);
  return (
    <div class="lanes-table">
      <table>
        <thead>
          <tr>
            {["Worker", "Instance", "Type", "From", "To", "States", "Ran", "Cost"].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lanes.slice(0, count).map((lane) => (
            <LaneRow key={lane.workerId} lane={lane} />
          ))}
        </tbody>
      </table>
      {count < lanes.length && (
        <button type="button" onClick={() => setCount(count + PAGE)}>
          {PAGE} more of {lanes.length - count}
        </button>
      )}
    </div>
  );
}

function LaneRow({ lane }: { readonly lane: Lane }) {
  const { workerId, instanceId, type, spans, containers, cost } = lane;
  const first = spans[0];
  const last = spans.at(-1);
  return (
    <tr>
      <th scope="row">
        <a class="mono" href={hrefTo({ view: "history", param: workerId })}>
          {workerId}
        </a>
      </th>
      <td class="mono">{instanceId}</td>
      <td>{type}</td>
      <td>{first && formatTime(first.fromMs)}</td>
      <td>{last && formatTime(last.toMs)}</td>
      <td>
        {spans.map(({ state, fromMs, toMs }) => `${state} ${formatSpan(toMs - fromMs)}`).join(", ")}
      </td>
      <td>{containers.length}</td>
      <td>{formatMoney(cost)}</td>
    </tr>
  );
}
