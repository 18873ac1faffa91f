// Loaded before the daemon of a box: its wall clock is ahead of the true one by the milliseconds that a file names.
import { readFileSync } from "node:fs";

const LOOK_MS = 100;
const TrueDate = Date;
let aheadMs = 0;
let lookedMs = -Infinity;

function ahead() {
  if (performance.now() - lookedMs < LOOK_MS) return aheadMs;
  lookedMs = performance.now();
  try {
    aheadMs = Number(readFileSync(process.env.BOX_CLOCK ?? "", "utf8"));
  } catch {
    aheadMs = 0;
  }
  return aheadMs;
}

globalThis.Date = class Date extends TrueDate {
  constructor(...given) {
    super(...(given.length === 0 ? [Date.now()] : given));
  }

  static now() {
    return TrueDate.now() + ahead();
  }
};
