import { useMemo, useState } from "preact/hooks";
import type { HistoryAnswer } from "../../wire/actor.ts";
import type { MarkKind } from "../../wire/record.ts";
import { navigate, route } from "../routing.ts";
import { useKeys, useZoomKeys } from "../time/view-keys.ts";
import { useTimeView } from "../time/use-time-view.ts";
import { idleStretches, makeWarp, NO_WARP, type Stretch, type Warp } from "../time/warp.ts";
import { barRows, extentOf } from "./bars.ts";
import { HistoryChart } from "./HistoryChart.tsx";
import { filterMarks, MARK_KINDS, neighbour, readMarks } from "./marks.ts";
import type { Mark, StepMark } from "./marks.ts";
import { MarkList } from "./MarkList.tsx";
import { PickActor } from "./PickActor.tsx";
import { RecordPanel } from "./RecordPanel.tsx";
import { Summary } from "./Summary.tsx";
import { Toolbar } from "./Toolbar.tsx";
import { useHistory, type LoadedHistory } from "./use-history.ts";
import "../time/timeline.css";
import "./history.css";

/** The life of one worker or container, from the journal. */
export default function HistoryView() {
  const id = route.value.param;
  if (id === "") return <PickActor />;
  return <ActorHistory key={id} id={id} />;
}

function ActorHistory({ id }: { readonly id: string }) {
  const [noise, setNoise] = useState(false);
  const loaded = useHistory(id, noise);
  const { history, trouble } = loaded;
  if (trouble !== "" && !history)
    return (
      <div>
        <p class="note" role="alert">
          {trouble}
        </p>
        <PickActor />
      </div>
    );
  if (!history) return <p class="note">Reading the journal…</p>;
  return <Shown {...loaded} history={history} noise={noise} onNoise={setNoise} />;
}

interface ShownProps extends LoadedHistory {
  readonly history: HistoryAnswer;
  readonly noise: boolean;
  readonly onNoise: (noise: boolean) => void;
}

function Shown({ history, explanation, noise, onNoise }: ShownProps) {
  const [kinds, setKinds] = useState<ReadonlySet<MarkKind>>(new Set(MARK_KINDS));
  const [collapse, setCollapse] = useState(true);
  const { rows, allMarks, extent, warp } = useModel(history, collapse);
  const marks = useMemo(() => filterMarks(allMarks, { kinds, noise }), [allMarks, kinds, noise]);
  const bounds = boundsOf(warp, extent);
  const timeView = useTimeView<HTMLDivElement>(bounds);
  const selectedSeq = Number(route.value.query["seq"]) || null;
  const select = (seq: number | null): void => {
    navigate({ query: { seq: seq === null ? "" : `${seq}` } }, { replace: true });
    const mark = allMarks.find((each) => each.seq === seq);
    if (mark) timeView.show(warp.toWarped(mark.atMs));
  };
  const step = useMarkSteps(marks, selectedSeq, (mark) => select(mark.seq));
  useZoomKeys(timeView);
  const { kind, id } = history.actor;
  return (
    <div class="history">
      <Summary history={history} explanation={explanation} rows={rows} />
      <Toolbar
        {...{ kinds, noise, collapse, timeView, step }}
        onKinds={setKinds}
        onNoise={onNoise}
        onCollapse={setCollapse}
        noiseOmitted={history.noise_omitted}
        cutsCount={warp.cuts.length}
      />
      <HistoryChart
        {...{ rows, marks, kinds, warp, timeView, selectedSeq }}
        onSelect={(mark) => select(mark.seq)}
      />
      <div class={selectedSeq === null ? "history-parts" : "history-parts has-record"}>
        <MarkList marks={marks} selectedSeq={selectedSeq} onSelect={(mark) => select(mark.seq)} />
        {selectedSeq !== null && (
          <RecordPanel
            seq={selectedSeq}
            actor={`${kind}/${id}`}
            onSelect={select}
            onClose={() => select(null)}
          />
        )}
      </div>
    </div>
  );
}

/** A stretch without anything of this share of the whole is cut down to a fortieth of it. */
const IDLE_SHARE = 0.08;
const CUT_SHARE = 0.025;

function useModel(history: HistoryAnswer, collapse: boolean) {
  return useMemo(() => {
    const rows = barRows(history.spans, Date.parse(history.as_of ?? "1970-01-01"));
    const allMarks = readMarks(history.marks);
    const extent = extentOf(rows);
    return { rows, allMarks, extent, warp: collapse ? warpOf(allMarks, extent) : NO_WARP };
  }, [history, collapse]);
}

/** What happened at the very ends is not to be cut off. */
const MARGIN_SHARE = 0.012;

function boundsOf(warp: Warp, { fromMs, toMs }: Stretch): { from: number; to: number } {
  const from = warp.toWarped(fromMs);
  const to = warp.toWarped(toMs);
  const margin = Math.max(1, (to - from) * MARGIN_SHARE);
  return { from: from - margin, to: to + margin };
}

/** By what is no noise, so that cuts stay where they are when noise is shown. */
function warpOf(marks: readonly Mark[], extent: Stretch): Warp {
  const instants = marks.filter(({ noise }) => !noise).map(({ atMs }) => atMs);
  const idle = idleStretches(instants, extent, IDLE_SHARE);
  return makeWarp(idle, (extent.toMs - extent.fromMs) * CUT_SHARE);
}

/** n and p. */
function useMarkSteps(
  marks: readonly Mark[],
  selectedSeq: number | null,
  onSelect: (mark: Mark) => void,
): StepMark {
  const step = (by: 1 | -1): void => {
    const ofRecord = marks.filter(({ seq }) => seq === selectedSeq);
    const from = by === 1 ? ofRecord.at(-1) : ofRecord[0];
    const mark = neighbour(marks, from?.index ?? null, by);
    if (mark) onSelect(mark);
  };
  useKeys({ n: () => step(1), p: () => step(-1) });
  return step;
}
