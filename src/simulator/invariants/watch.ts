import type { World } from "../world.ts";
import type { WorldEvent } from "../world-event.ts";
import { addressFollowed } from "./address-followed.ts";
import { brokenWorkerDrained } from "./broken-worker-drained.ts";
import { busyWorkerKept } from "./busy-worker-kept.ts";
import { cancelHolds } from "./cancel-holds.ts";
import { commandIdsOnce } from "./command-ids-once.ts";
import { commandsInOrder } from "./commands-in-order.ts";
import { createsAwaited } from "./creates-awaited.ts";
import { createsWithinNeed } from "./creates-within-need.ts";
import { creatorFound } from "./creator-found.ts";
import { durableFirst } from "./durable-first.ts";
import { endsKept } from "./ends-kept.ts";
import { heldWorkerKept } from "./held-worker-kept.ts";
import type { Invariant } from "./invariant.ts";
import { liveWorkKept } from "./live-work-kept.ts";
import { madeUpIgnored } from "./made-up-ignored.ts";
import { nothingLeftBehind } from "./nothing-left-behind.ts";
import { oneCallAtATime } from "./one-call-at-a-time.ts";
import { oneProcessAtATime } from "./one-process-at-a-time.ts";
import { reasonsExist } from "./reasons-exist.ts";
import { reasonsSettle } from "./reasons-settle.ts";
import { recordNewerThanExit } from "./record-newer-than-exit.ts";
import { refusalsCounted } from "./refusals-counted.ts";
import { refusalsHeeded } from "./refusals-heeded.ts";
import { restartRepeats } from "./restart-repeats.ts";
import { signalsPaced } from "./signals-paced.ts";
import { silentWorkerGivenUp } from "./silent-worker-given-up.ts";
import { spendAddsUp } from "./spend-adds-up.ts";
import { startsFit } from "./starts-fit.ts";
import { startsRemembered } from "./starts-remembered.ts";
import { timeGoesOn } from "./time-goes-on.ts";
import { unwantedEnded } from "./unwanted-ended.ts";
import { wantedProcessKept } from "./wanted-process-kept.ts";

/** All that must hold; each run has its own. */
const INVARIANTS: readonly (() => Invariant)[] = [
  busyWorkerKept,
  oneProcessAtATime,
  liveWorkKept,
  endsKept,
  nothingLeftBehind,
  createsWithinNeed,
  recordNewerThanExit,
  spendAddsUp,
  reasonsExist,
  reasonsSettle,
  commandsInOrder,
  commandIdsOnce,
  oneCallAtATime,
  creatorFound,
  createsAwaited,
  refusalsHeeded,
  refusalsCounted,
  restartRepeats,
  silentWorkerGivenUp,
  brokenWorkerDrained,
  madeUpIgnored,
  addressFollowed,
  heldWorkerKept,
  startsRemembered,
  timeGoesOn,
  durableFirst,
  wantedProcessKept,
  cancelHolds,
  startsFit,
  signalsPaced,
  unwantedEnded,
];

export interface Violation {
  readonly atMs: number;
  /** The invariant's name, or what else went wrong: `liveness`, `replay`, `bug`. */
  readonly name: string;
  readonly text: string;
}

/** Checks every invariant at every step. */
export class Watch {
  readonly violations: Violation[] = [];
  readonly #invariants = INVARIANTS.map((make) => make());

  step(event: WorldEvent, world: World): void {
    for (const invariant of this.#invariants) {
      const text = invariant.check(event, world);
      if (text !== undefined) this.add(event.atMs, invariant.name, text);
    }
  }

  end(world: World): void {
    for (const invariant of this.#invariants) {
      const text = invariant.checkEnd?.(world);
      if (text !== undefined) this.add(world.clock.nowMs(), invariant.name, text);
    }
  }

  add(atMs: number, name: string, text: string): void {
    this.violations.push({ atMs, name, text });
  }
}
