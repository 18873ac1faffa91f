import { computed, signal } from "@preact/signals";
import type { Lifecycle, WorkerRow } from "../../wire/worker.ts";
import { store } from "../session.ts";
import { formatCount } from "../../../machines/model/amounts.ts";
import { cellLayout } from "../ui/layouts.ts";
import { STATE_MARKS } from "../ui/states.ts";
import { StateMark } from "../ui/StateMark.tsx";
import { isNarrow } from "../ui/use-media.ts";
import { VirtualBox } from "../ui/VirtualBox.tsx";
import { columns, sizeOfType, type Column } from "./fleet-data.ts";
import { select, selectedId } from "./selection.ts";
import { describeWorker, WorkerCell } from "./WorkerCell.tsx";

type Density = "cards" | "dots";

/** So many cards nobody reads: beyond that they are drawn as dots, unless somebody asks for cards. */
const CARDS_MAX = 400;

const wanted = signal<Density | null>(null);
const density = computed<Density>(
  () => wanted.value ?? (store.counts.value && store.workers.size > CARDS_MAX ? "dots" : "cards"),
);
/** On a phone, the one column that is open; null: the fullest. */
const opened = signal<Lifecycle | null>(null);

/** Minimal width and height by size class. */
const CARD_SIZES = [
  [126, 58],
  [146, 62],
  [176, 72],
  [216, 88],
] as const;
const DOT_SIZES = [
  [13, 13],
  [17, 17],
  [23, 23],
  [31, 31],
] as const;

export function WorkerColumns() {
  const all = columns.value;
  const open = openColumn(all);
  return (
    <section class="workers" aria-label="Workers">
      <div class="part-head">
        <h2>Workers</h2>
        <DensityButton />
      </div>
      {isNarrow.value && <ColumnPicker all={all} open={open} />}
      <div class="columns">
        {isNarrow.value
          ? open && <FullColumn column={open} />
          : all.map((column) =>
              column.rows.length === 0 ? (
                <EmptyColumn key={column.state} state={column.state} />
              ) : (
                <FullColumn key={column.state} column={column} />
              ),
            )}
      </div>
    </section>
  );
}

function openColumn(all: readonly Column[]): Column | undefined {
  const chosen = all.find(({ state }) => state === opened.value);
  return chosen ?? [...all].sort((a, b) => b.rows.length - a.rows.length)[0];
}

function DensityButton() {
  const next = density.value === "cards" ? "dots" : "cards";
  return (
    <button type="button" class="quiet" onClick={() => (wanted.value = next)}>
      {next === "dots" ? "Show as dots" : "Show as cards"}
    </button>
  );
}

function ColumnPicker({
  all,
  open,
}: {
  readonly all: readonly Column[];
  readonly open: Column | undefined;
}) {
  return (
    <div class="picker" role="group" aria-label="State">
      {all.map(({ state, rows }) => (
        <button
          type="button"
          key={state}
          aria-pressed={open?.state === state}
          aria-label={`${state}: ${rows.length}`}
          onClick={() => (opened.value = state)}
        >
          <StateMark state={state} /> {rows.length}
        </button>
      ))}
    </div>
  );
}

function EmptyColumn({ state }: { readonly state: Lifecycle }) {
  return (
    <div class={`column empty s-${state}`} title={`${state}: none`}>
      <StateMark state={state} />
      <span class="upright">{state}</span>
    </div>
  );
}

function FullColumn({ column }: { readonly column: Column }) {
  const { state, rows, sizes } = column;
  const isDots = density.value === "dots";
  const layoutFor = (width: number) => {
    const groups = sizes.map(({ size, count }) => {
      const [minWidth, height] = (isDots ? DOT_SIZES : CARD_SIZES)[size];
      return { count, minWidth, height };
    });
    return cellLayout(groups, { width, gap: isDots ? 2 : 4, stretch: !isDots });
  };
  return (
    <div class={`column s-${state}`} style={{ flexGrow: `${rows.length ** 0.6}` }}>
      <h3 title={STATE_MARKS[state].about}>
        <StateMark state={state} /> {state} <b>{formatCount(rows.length)}</b>
      </h3>
      <VirtualBox
        label={`${state}: ${formatCount(rows.length)} ${rows.length === 1 ? "worker" : "workers"}`}
        rows={rows}
        layoutFor={layoutFor}
        idOf={idOf}
        render={(row) => (
          <WorkerCell row={row} isDot={isDots} size={sizeOfType(row.instance_type)} />
        )}
        variant={density.value}
        classOf={(row) => `cell s-${row.lifecycle} b-${row.idle_behavior}${isDots ? " dot" : ""}`}
        titleOf={describeWorker}
        selectedId={selectedId.value}
        onSelect={select}
        empty="None that the filter lets through."
      />
    </div>
  );
}

function idOf(row: WorkerRow): string {
  return row.worker_id;
}
