import type { AnyEventObject, AnyMachineSnapshot } from "xstate";
import type { SnapshotOf } from "../core/registry.ts";
import type { ActorKind } from "../model/ids.ts";
import { activeStates, conditionsOf, guardHolds, guardText, pathOf } from "../transitions.ts";
import { transitionsOf } from "../transitions.ts";
import { containerConditions, containerEvents } from "./next/container-events.ts";
import {
  limitConditions,
  limitEvents,
  supervisorConditions,
  supervisorEvents,
} from "./next/limit-events.ts";
import { NEWEST_SEQ, plain } from "./next/situation.ts";
import type { ConditionTexts, Now, PossibleEvents, Situation } from "./next/situation.ts";
import { workerConditions } from "./next/worker-conditions.ts";
import { workerEvents } from "./next/worker-events.ts";

export interface ConditionValue {
  /** As the chart has it: `not held`. */
  readonly name: string;
  /** Null where it depends on what the event brings. */
  readonly value: boolean | null;
  /** What it looks at, in words with the present numbers. */
  readonly text: string;
}

/** An event that an actor would take in now, and what holds it back. */
export interface NextEvent {
  /** "" for what is taken as soon as its guard holds. */
  readonly event: string;
  readonly guard: string;
  /** Path of the state that takes it; "" for the whole chart. */
  readonly from: string;
  /** Null where the state stays. */
  readonly to: string | null;
  readonly holds: boolean | null;
  readonly values: ConditionValue[];
}

interface Words<K extends ActorKind> {
  readonly events: PossibleEvents<K, string>;
  readonly conditions: ConditionTexts<K>;
}

const limit = { events: limitEvents, conditions: limitConditions };

/** A test holds that every event and every condition of the charts is here. */
export const WORDS: { readonly [K in ActorKind]: Words<K> } = {
  worker: { events: workerEvents, conditions: workerConditions },
  container: { events: containerEvents, conditions: containerConditions },
  supervisor: { events: supervisorEvents, conditions: supervisorConditions },
  quota: limit,
  capacity: limit,
  throttle: limit,
};

/**
 * What may come next to an actor in its present states. Each guard is asked itself, about all that the event may bring;
 * where it would answer both yes and no, it depends on the event.
 */
export function nextEvents<K extends ActorKind>(
  kind: K,
  snapshot: SnapshotOf[K],
  now: Now,
): NextEvent[] {
  const situation: Situation<K> = { ...now, snapshot };
  const words: Words<K> = WORDS[kind];
  return activeStates(snapshot as AnyMachineSnapshot)
    .flatMap(transitionsOf)
    .map(({ source, target, event, guard }) => {
      const events = possibleEvents(words, event, situation);
      const holds = (condition: unknown): boolean | null =>
        unanimous(events.map((one) => guardHolds(snapshot as AnyMachineSnapshot, condition, one)));
      return {
        event,
        guard: guardText(guard),
        from: pathOf(source),
        to: target ? pathOf(target) : null,
        holds: holds(guard),
        values: conditionsOf(guard).map((condition) => ({
          name: guardText(condition),
          value: holds(condition),
          text: textOf(words, guardText(condition), situation),
        })),
      };
    });
}

function possibleEvents<K extends ActorKind>(
  { events }: Words<K>,
  type: string,
  situation: Situation<K>,
): AnyEventObject[] {
  const { nowMs, settings } = situation;
  const delivered = { type, atMs: nowMs, seq: NEWEST_SEQ, settings };
  return (events[type] ?? plain)(situation).map((brought) => ({ ...brought, ...delivered }));
}

function unanimous(answers: readonly boolean[]): boolean | null {
  const [first = null] = answers;
  return answers.every((answer) => answer === first) ? first : null;
}

/** `not asked hold`: the words are those of `asked`, about `hold`. */
function textOf<K extends ActorKind>(
  { conditions }: Words<K>,
  name: string,
  situation: Situation<K>,
): string {
  const [condition = "", ...asked] = name.replace(/^not /, "").split(" ");
  return conditions[condition]?.(situation, asked.join(" ")) ?? "";
}
