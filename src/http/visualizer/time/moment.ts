/** What a time box asks for. */
export type Moment =
  | { readonly kind: "live" }
  | { readonly kind: "seq"; readonly seq: number }
  | { readonly kind: "time"; readonly atMs: number }
  | { readonly kind: "wrong"; readonly message: string };

export interface MomentFrame {
  /** What is shown now. */
  readonly atMs: number;
  readonly firstMs: number;
  readonly lastMs: number;
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DAY_MS = 86_400_000;

export const MOMENT_FORMS =
  "a time (2026-01-31T10:32:00Z, 2026-01-31 10:32, 10:32), a step from what is shown (-15m, +1h), a record (#1234) or live";

/** Times without a zone are UTC, as everything that is shown. */
export function readMoment(text: string, frame: MomentFrame): Moment {
  const given = text.trim();
  if (/^(live|now)$/i.test(given)) return { kind: "live" };
  const seq = /^(?:#|seq ?)(\d{1,15})$/i.exec(given)?.[1];
  if (seq !== undefined) return { kind: "seq", seq: Number(seq) };
  const atMs = readStep(given, frame) ?? readClock(given, frame) ?? readDate(given);
  if (atMs === undefined || !Number.isFinite(atMs))
    return { kind: "wrong", message: `"${given.slice(0, 40)}" is not ${MOMENT_FORMS}` };
  return { kind: "time", atMs };
}

function readStep(text: string, { atMs }: MomentFrame): number | undefined {
  const [, sign, amount, unit] = /^([+-])(\d+(?:\.\d+)?) ?(ms|s|min|m|h|d)$/.exec(text) ?? [];
  if (sign === undefined) return undefined;
  const ms = Number(amount) * UNITS_MS[unit as keyof typeof UNITS_MS];
  return sign === "-" ? atMs - ms : atMs + ms;
}

/** Of the day that is shown, or of a day before or after, where only that one lies within the journal. */
function readClock(text: string, { atMs, firstMs, lastMs }: MomentFrame): number | undefined {
  const [, hours, minutes, seconds = "0"] =
    /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,3})?))?Z?$/.exec(text) ?? [];
  if (hours === undefined || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) >= 60)
    return undefined;
  const ofDayMs = (Number(hours) * 60 + Number(minutes)) * 60_000 + Number(seconds) * 1_000;
  const onDay = (ms: number): number => Math.floor(ms / DAY_MS) * DAY_MS + ofDayMs;
  const days = [atMs, atMs - DAY_MS, atMs + DAY_MS, lastMs, firstMs].map(onDay);
  return days.find((ms) => ms >= firstMs && ms <= lastMs) ?? days[0];
}

function readDate(text: string): number | undefined {
  const [, date, clock = "00:00", zone = "Z"] =
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}:\d{2})?)?$/i.exec(
      text,
    ) ?? [];
  return date === undefined ? undefined : Date.parse(`${date}T${clock}${zone.toUpperCase()}`);
}
