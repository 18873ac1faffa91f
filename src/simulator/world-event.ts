import type { Change } from "../machines/core/draft.ts";
import type { ContainerState } from "../machines/model/fact.ts";
import type { JournalRecord } from "../machines/model/record.ts";
import type { FaultKind } from "./faults.ts";

/** What truly happens in the simulated world, whatever the dispatcher knows of it. `atMs` is the world's time. */
export type WorldEvent = { readonly atMs: number } & (
  | { readonly type: "fault.happened"; readonly kind: FaultKind }
  | { readonly type: "daemon.started"; readonly clockOffsetMs: number }
  | { readonly type: "daemon.killed" }
  /** Durable, and about to be carried out. */
  | {
      readonly type: "record.released";
      readonly record: JournalRecord;
      readonly changes: readonly Change[];
    }
  /** `createdBy`: the worker whose create it was. */
  | {
      readonly type: "vm.created";
      readonly instanceId: string;
      readonly pricePerHour: number;
      readonly createdBy: string;
    }
  /** `reason`: what the dispatcher's worker says, when it asked for it. */
  | {
      readonly type: "vm.ended";
      readonly instanceId: string;
      readonly by: "dispatcher" | "cloud";
      readonly processIds: readonly string[];
    }
  /** This run of the dispatcher calls it for the first time. */
  | { readonly type: "vm.asked"; readonly instanceId: string }
  /** It is called where it is not. */
  | { readonly type: "vm.missed"; readonly instanceId: string; readonly address: string }
  /** A run probe's answer has reached the dispatcher. */
  | { readonly type: "vm.listed"; readonly instanceId: string }
  /** The cloud's list is asked for; and the cloud asks for peace until then, in the world's time. */
  | { readonly type: "list.asked" }
  | { readonly type: "list.refused"; readonly untilAtMs: number }
  /** A poll of the queue has come through, that began when the newest record was `beganSeq`. */
  | { readonly type: "queue.polled"; readonly beganSeq: number }
  | {
      readonly type: "process.detached" | "process.began" | "process.died";
      readonly instanceId: string;
      readonly containerId: string;
    }
  | {
      readonly type: "container.moved";
      readonly containerId: string;
      readonly state: ContainerState;
      readonly by: "dispatcher" | "runner" | "user";
    }
);

type Told<E> = E extends WorldEvent ? Omit<E, "atMs"> : never;
/** As its source tells it: the world says when. */
export type WorldTale = Told<WorldEvent>;
