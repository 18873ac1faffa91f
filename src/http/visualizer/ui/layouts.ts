/** Where the items of a virtual box stand. Everything is arithmetic: nothing is done per item that is not seen. */
export interface Layout {
  readonly count: number;
  readonly height: number;
  rectOf(index: number): Rect;
  /** Items that are seen between two heights: from the first, to before the second. */
  rangeOf(top: number, bottom: number): readonly [number, number];
  /** How many items a line up or down is, from this one. */
  strideAt(index: number): number;
}

export interface Rect {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** One below the other, all equally high. */
export function listLayout(count: number, width: number, lineHeight: number): Layout {
  return {
    count,
    height: count * lineHeight,
    rectOf: (index) => ({ left: 0, top: index * lineHeight, width, height: lineHeight }),
    rangeOf: (top, bottom) => [
      clamp(Math.floor(top / lineHeight), count),
      clamp(Math.ceil(bottom / lineHeight), count),
    ],
    strideAt: () => 1,
  };
}

export interface CellGroup {
  readonly count: number;
  readonly minWidth: number;
  readonly height: number;
}

interface PlacedGroup extends CellGroup {
  readonly first: number;
  readonly top: number;
  readonly perLine: number;
  readonly lines: number;
}

/** Groups of cells one below the other; in a group as many to a line as there is room for. */
export function cellLayout(
  groups: readonly CellGroup[],
  { width, gap, stretch }: { width: number; gap: number; stretch: boolean },
): Layout {
  const placed: PlacedGroup[] = [];
  let first = 0;
  let top = 0;
  for (const group of groups.filter(({ count }) => count > 0)) {
    const perLine = Math.max(1, Math.floor((width + gap) / (group.minWidth + gap)));
    const lines = Math.ceil(group.count / perLine);
    placed.push({ ...group, first, top, perLine, lines });
    first += group.count;
    top += lines * (group.height + gap);
  }
  const groupOf = (index: number) => placed.findLast((group) => index >= group.first);
  return {
    count: first,
    height: top,
    rectOf: (index) => {
      const group = groupOf(index);
      return group ? rectIn(group, index - group.first, { width, gap, stretch }) : NOWHERE;
    },
    rangeOf: (from, to) => rangeIn(placed, gap, from, to),
    strideAt: (index) => groupOf(index)?.perLine ?? 1,
  };
}

const NOWHERE: Rect = { left: 0, top: 0, width: 0, height: 0 };

function rectIn(
  group: PlacedGroup,
  index: number,
  { width, gap, stretch }: { width: number; gap: number; stretch: boolean },
): Rect {
  const full = (width - gap * (group.perLine - 1)) / group.perLine;
  const cellWidth = stretch ? full : Math.min(full, group.minWidth);
  return {
    left: (index % group.perLine) * (cellWidth + gap),
    top: group.top + Math.floor(index / group.perLine) * (group.height + gap),
    width: cellWidth,
    height: group.height,
  };
}

function rangeIn(
  groups: readonly PlacedGroup[],
  gap: number,
  from: number,
  to: number,
): readonly [number, number] {
  let start: number | null = null;
  let end = 0;
  for (const group of groups) {
    const lineHeight = group.height + gap;
    const firstLine = Math.max(0, Math.floor((from - group.top) / lineHeight));
    const endLine = Math.min(group.lines, Math.ceil((to - group.top) / lineHeight));
    if (firstLine >= endLine) continue;
    start ??= group.first + firstLine * group.perLine;
    end = group.first + Math.min(group.count, endLine * group.perLine);
  }
  return [start ?? 0, end];
}

function clamp(index: number, count: number): number {
  return Math.min(count, Math.max(0, index));
}
