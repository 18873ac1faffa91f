import { formatSize } from "../machines/model/amounts.ts";
import { PACE, SETTINGS, type Setting } from "../machines/model/settings.ts";
import { formatDuration } from "./duration.ts";
import {
  byteSize,
  count,
  countOrDefault,
  decimal,
  durationOrDefault,
  interval,
  key,
  span,
  type Key,
} from "./fields.ts";

type Table = typeof SETTINGS & typeof PACE;
type NamesIn<S> = { [N in keyof Table]: Table[N]["section"] extends S ? N : never }[keyof Table];

/** What the tables of settings say of a section, as its keys: by the name that the setting has inside. */
export function settingKeys<S extends Setting["section"]>(
  section: S,
): Readonly<Record<NamesIn<S>, Key<number>>>;
export function settingKeys(section: string): Readonly<Record<string, Key<number>>> {
  const keys = Object.entries<Setting>({ ...SETTINGS, ...PACE }).flatMap(([name, setting]) =>
    setting.section === section
      ? [[name, key(setting.key, fieldOf(setting), setting.about)] as const]
      : [],
  );
  return Object.fromEntries(keys);
}

function fieldOf({ unit, fallback }: Setting) {
  switch (unit) {
    case "factor":
      return decimal(fallback);
    case "count":
      return count(fallback);
    case "countOrDefault":
      return countOrDefault(fallback);
    case "bytes":
      return byteSize(formatSize(fallback));
    case "span":
      return span(formatDuration(fallback));
    case "spanOrDefault":
      return durationOrDefault(formatDuration(fallback));
    case "interval":
      return interval(formatDuration(fallback));
  }
}

/** A value of the tables as the file writes it. */
export function inFile({ unit }: Setting, value: number): number | string {
  const isSpan = unit === "span" || unit === "spanOrDefault" || unit === "interval";
  return isSpan ? formatDuration(value) : value;
}
