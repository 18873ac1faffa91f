import type { ComponentChildren, VNode } from "preact";
import { useId, useRef, useState } from "preact/hooks";
import type { Layout } from "./layouts.ts";
import { useSize } from "./use-size.ts";
import "./virtual-box.css";

interface VirtualBoxProps<Row> {
  /** Its name for screen readers. */
  readonly label: string;
  readonly rows: readonly Row[];
  readonly layoutFor: (width: number) => Layout;
  readonly idOf: (row: Row) => string;
  /** Depends on the row, on signals that it reads in components of its own, and on `variant`: on nothing else. */
  readonly render: (row: Row) => ComponentChildren;
  readonly variant?: string;
  readonly classOf?: (row: Row) => string;
  /** All that an item says, in one line. */
  readonly titleOf: (row: Row) => string;
  readonly selectedId: string;
  readonly onSelect: (id: string) => void;
  readonly empty?: string;
}

/** Drawn beyond what is seen, so that a quick scroll shows no gaps. */
const OVERSCAN_PX = 200;

/**
 * A list box that draws only what is seen of its rows. One tab stop; arrow keys, Home, End and the page keys move, Enter
 * selects.
 */
export function VirtualBox<Row>(props: VirtualBoxProps<Row>) {
  const { rows, layoutFor, idOf, selectedId, onSelect } = props;
  const base = useId();
  const box = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(box);
  const [top, setTop] = useState(0);
  const [activeId, setActiveId] = useState("");
  const layout = layoutFor(width);
  const active = useIndexOf(rows, idOf, activeId === "" ? selectedId : activeId);
  // A box that became shorter has scrolled up by itself.
  const seenTop = Math.max(0, Math.min(top, layout.height - height));
  const [from, to] = layout.rangeOf(seenTop - OVERSCAN_PX, seenTop + height + OVERSCAN_PX);
  const isDrawn = active >= from && active < to;

  const drawn = useDrawn(props, setActiveId);

  const goTo = (index: number) => {
    const row = rows[index];
    if (!row || !box.current) return;
    setActiveId(idOf(row));
    scrollTo(box.current, layout, index);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") {
      const row = rows[active];
      if (row) onSelect(idOf(row));
    } else {
      const next = targetOf(event.key, layout, { index: active, height });
      if (next === null) return;
      goTo(next);
    }
    event.preventDefault();
  };

  return (
    <div
      ref={box}
      class="virtual-box"
      role="listbox"
      aria-label={props.label}
      aria-activedescendant={isDrawn ? `${base}-${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      {rows.length === 0 && <p class="note">{props.empty}</p>}
      <div class="virtual-space" role="presentation" style={{ height: `${layout.height}px` }}>
        {rows.slice(from, to).map((row, offset) => {
          const index = from + offset;
          const id = idOf(row);
          const rect = layout.rectOf(index);
          const classes = `virtual-item ${props.classOf?.(row) ?? ""}`;
          return drawn.item(row, {
            id,
            domId: `${base}-${index}`,
            classes: index === active ? `${classes} active` : classes,
            isSelected: id === selectedId,
            place: `${index + 1}/${rows.length}`,
            transform: `translate(${rect.left}px, ${rect.top}px)`,
            width: `${rect.width}px`,
            height: `${rect.height}px`,
          });
        })}
      </div>
    </div>
  );
}

/** All that an item's drawing depends on besides its row. */
interface Drawing {
  readonly id: string;
  readonly domId: string;
  readonly classes: string;
  readonly isSelected: boolean;
  /** `3/50`. */
  readonly place: string;
  readonly transform: string;
  readonly width: string;
  readonly height: string;
}

/**
 * Items as they were drawn last: one whose row and drawing are the same is handed back as it is, which tells the
 * renderer that there is nothing to compare. With hundreds of cells that is most of the work of an update.
 */
function useDrawn<Row>(props: VirtualBoxProps<Row>, setActiveId: (id: string) => void) {
  const last = useRef(new Map<string, { row: Row; key: string; vnode: VNode }>());
  const before = last.current;
  const now: typeof before = new Map();
  last.current = now;
  const item = (row: Row, drawing: Drawing): VNode => {
    const key = `${props.variant ?? ""}|${Object.values(drawing).join("|")}`;
    const known = before.get(drawing.id);
    const isSame = known !== undefined && known.row === row && known.key === key;
    const vnode = isSame ? known.vnode : drawItem(props, row, drawing, setActiveId);
    now.set(drawing.id, { row, key, vnode });
    return vnode;
  };
  return { item };
}

function drawItem<Row>(
  { render, titleOf, onSelect }: VirtualBoxProps<Row>,
  row: Row,
  drawing: Drawing,
  setActiveId: (id: string) => void,
): VNode {
  const { id, domId, classes, isSelected, place, transform, width, height } = drawing;
  const title = titleOf(row);
  const [position, size] = place.split("/");
  return (
    <div
      key={id}
      id={domId}
      class={classes}
      role="option"
      aria-selected={isSelected}
      aria-setsize={Number(size)}
      aria-posinset={Number(position)}
      title={title}
      aria-label={title}
      style={{ transform, width, height }}
      onClick={() => {
        setActiveId(id);
        onSelect(id);
      }}
    >
      {render(row)}
    </div>
  );
}

/** -1 if it is not there. All rows are searched only when they or the id have changed. */
function useIndexOf<Row>(rows: readonly Row[], idOf: (row: Row) => string, id: string): number {
  const found = useRef({ rows, id: "", index: -1 });
  const last = found.current;
  if (last.rows !== rows || last.id !== id) {
    const index = id === "" ? -1 : rows.findIndex((row) => idOf(row) === id);
    found.current = { rows, id, index };
  }
  return found.current.index;
}

function targetOf(
  key: string,
  layout: Layout,
  { index, height }: { index: number; height: number },
): number | null {
  const last = layout.count - 1;
  if (last < 0) return null;
  const stride = layout.strideAt(Math.max(0, index));
  const page = stride * Math.max(1, Math.floor(height / (layout.rectOf(0).height + 1)) - 1);
  const steps: Readonly<Record<string, number>> = {
    ArrowDown: stride,
    ArrowUp: -stride,
    ArrowRight: 1,
    ArrowLeft: -1,
    PageDown: page,
    PageUp: -page,
    Home: -layout.count,
    End: layout.count,
  };
  const step = Object.hasOwn(steps, key) ? steps[key] : undefined;
  if (step === undefined) return null;
  if (index < 0) return key === "End" ? last : 0;
  return Math.min(last, Math.max(0, index + step));
}

function scrollTo(box: HTMLElement, layout: Layout, index: number): void {
  const { top, height } = layout.rectOf(index);
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + height > box.scrollTop + box.clientHeight)
    box.scrollTop = top + height - box.clientHeight;
}
