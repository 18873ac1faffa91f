export interface Column<Row> {
  readonly title: string;
  readonly align?: "right";
  text(row: Row): string;
}

/** Aligned columns under their titles, a line feed at the end. Nothing but the titles where there are no rows. */
export function formatTable<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const lines = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map((column) => oneLine(column.text(row)))),
  ];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0)));
  const print = (line: readonly string[]) =>
    columns
      .map(({ align }, at) => {
        const cell = line[at] ?? "";
        return align === "right" ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
      })
      .join("  ")
      .trimEnd();
  return `${lines.map(print).join("\n")}\n`;
}

/** Texts from outside cannot break a table or a line, nor steer the terminal. */
export function oneLine(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]+/g, " ");
}
