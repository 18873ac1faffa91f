import type { LimitRow } from "../../wire/limit.ts";
import { store } from "../session.ts";
import { Countdown } from "../ui/Age.tsx";
import { formatCount } from "../../../machines/model/amounts.ts";
import { cut, inWords } from "../ui/words.ts";

/** States in which a limit holds nothing back. */
const AT_REST = new Set(["open", "available"]);

/** Why it does not scale up, and what waits for what: limits that hold something back, and waiting by reason. */
export function LimitsBar() {
  const limits = store.limits.value.filter(
    ({ kind, value }) => kind !== "supervisor" && !AT_REST.has(value),
  );
  const maxCount = store.scheduler.value?.max_containers ?? 0;
  const waits = Object.entries(store.waits.value);
  if (limits.length === 0 && maxCount === 0 && waits.length === 0) return null;
  return (
    <div class="limits" role="group" aria-label="What holds back">
      {limits.map((limit) => (
        <Limit key={limit.actor} limit={limit} />
      ))}
      {maxCount > 0 && <span class="badge">at most {maxCount} containers at once</span>}
      {waits.map(([reason, count]) => (
        <span class="wait" key={reason} title={store.facts.value?.waitTexts[reason] ?? ""}>
          <b>{formatCount(count)}</b> {inWords(reason)}
        </span>
      ))}
    </div>
  );
}

function Limit({ limit }: { readonly limit: LimitRow }) {
  const { kind, id, value, until, reason } = limit;
  return (
    <span class="badge past limit" title={reason}>
      <b>
        {kind}
        {kind === "capacity" ? ` ${cut(id, 40)}` : ""}
      </b>{" "}
      {inWords(value)}
      {until !== null && (
        <>
          , <Countdown until={until} /> left
        </>
      )}
      {reason !== "" && `: ${cut(reason, 120)}`}
    </span>
  );
}
