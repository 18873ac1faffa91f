import type { MarkKind } from "../../wire/record.ts";
import { ZoomButtons } from "../time/ZoomButtons.tsx";
import type { TimeView } from "../time/use-time-view.ts";
import { KindSign } from "./HistoryChart.tsx";
import { MARK_KINDS, type StepMark } from "./marks.ts";

interface ToolbarProps {
  readonly kinds: ReadonlySet<MarkKind>;
  readonly noise: boolean;
  readonly noiseOmitted: number;
  readonly collapse: boolean;
  readonly cutsCount: number;
  readonly timeView: TimeView<Element>;
  readonly step: StepMark;
  readonly onKinds: (kinds: ReadonlySet<MarkKind>) => void;
  readonly onNoise: (noise: boolean) => void;
  readonly onCollapse: (collapse: boolean) => void;
}

export function Toolbar(props: ToolbarProps) {
  const { kinds, noise, noiseOmitted, collapse, cutsCount, timeView, step } = props;
  const toggle = (kind: MarkKind): void => {
    const next = new Set(kinds);
    if (!next.delete(kind)) next.add(kind);
    props.onKinds(next);
  };
  return (
    <div class="history-toolbar" role="toolbar" aria-label="Timeline">
      <span class="kinds" role="group" aria-label="Kinds of marks">
        {MARK_KINDS.map((kind) => (
          <label key={kind}>
            <input type="checkbox" checked={kinds.has(kind)} onChange={() => toggle(kind)} />
            <KindSign kind={kind} /> {kind}s
          </label>
        ))}
      </span>
      <label title="What only repeats or confirms what was known">
        <input type="checkbox" checked={noise} onChange={() => props.onNoise(!noise)} />
        noise{!noise && noiseOmitted > 0 ? ` (${noiseOmitted} folded away)` : ""}
      </label>
      <label title="Stretches in which nothing happened are drawn shorter">
        <input type="checkbox" checked={collapse} onChange={() => props.onCollapse(!collapse)} />
        collapse idle time{collapse && cutsCount > 0 ? ` (${cutsCount})` : ""}
      </label>
      <span class="spacer" />
      <span role="group" aria-label="Marks">
        <button
          type="button"
          aria-keyshortcuts="p"
          title="Mark before (p)"
          onClick={() => step(-1)}
        >
          ‹ mark
        </button>
        <button type="button" aria-keyshortcuts="n" title="Next mark (n)" onClick={() => step(1)}>
          mark ›
        </button>
      </span>
      <ZoomButtons timeView={timeView} />
    </div>
  );
}
