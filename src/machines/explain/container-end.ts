import { isOperatorsCancel } from "../container/container.choice.ts";
import type { Decision } from "../model/decision.ts";
import type { ContainerEnd, Fact } from "../model/fact.ts";
import type { JournalRecord } from "../model/record.ts";
import type { Run } from "./explanation.ts";
import type { Moment } from "./spans.ts";

/** `failed`: it did not come to its end well, and nobody wanted that. */
export type EndTone = "ok" | "failed" | "cancelled" | "unknown";

/** How a container ended, in words that go on after its name. */
export interface ContainerEnding extends Moment {
  readonly tone: EndTone;
  readonly text: string;
  /** Null where there is none, or the queue has not told it. */
  readonly exitCode: number | null;
}

/** As our runner words it; the original's says nothing, and cancels. */
const MAX_RUN_TIME = "maximum run time exceeded";
const OUT_OF_MEMORY = "out of memory";
/** A shell's way to say by which signal a command ended: 128 and its number. */
const SIGNALS: Readonly<Record<number, string>> = {
  129: "SIGHUP",
  130: "SIGINT",
  131: "SIGQUIT",
  132: "SIGILL",
  134: "SIGABRT",
  135: "SIGBUS",
  136: "SIGFPE",
  137: "SIGKILL",
  139: "SIGSEGV",
  141: "SIGPIPE",
  142: "SIGALRM",
  143: "SIGTERM",
};

/** Gathers from records who wanted a container's end, and what the queue says of it. */
export class EndFinder {
  readonly #isIt: (containerId: string) => boolean;
  #operator: string | undefined;
  #byUser = false;
  #cancel: string | undefined;
  #end: (Moment & { state: string; told: ContainerEnd | undefined }) | undefined;

  constructor(isIt: (containerId: string) => boolean) {
    this.#isIt = isIt;
  }

  see({ seq, fact, decisions }: JournalRecord): void {
    for (const decision of decisions) this.#seeDecision(decision);
    if (!("containerId" in fact) || !this.#isIt(fact.containerId)) return;
    this.#seeFact(fact, { seq, atMs: fact.atMs });
  }

  /** Undefined while it has not ended. */
  finish(runs: readonly Run[]): ContainerEnding | undefined {
    const end = this.#end;
    if (!end) return undefined;
    const { seq, atMs, state, told } = end;
    const exitCode = told?.exitCode ?? null;
    const { tone, text } = state === "Complete" ? completed(told) : this.#cancelled(told, runs);
    return { seq, atMs, tone, text, exitCode };
  }

  #seeDecision(decision: Decision): void {
    if (!("container" in decision) || !this.#isIt(decision.container)) return;
    if (decision.do === "cancel") this.#cancel = decision.reason;
    if ((decision.do === "kill" || decision.do === "requeue") && decision.reason === "priority=0")
      this.#byUser = true;
  }

  #seeFact(fact: Fact & { containerId: string }, moment: Moment): void {
    if (fact.type === "cancel.requested" || fact.type === "kill.requested") {
      if (!this.#end) this.#operator ??= fact.reason;
      return;
    }
    const told = toldBy(fact);
    if (!told) return;
    const { state, priority, end } = told;
    if (state === "Complete" || state === "Cancelled") {
      if (priority === "0" && !this.#end) this.#byUser = true;
      this.#end = { ...moment, state, told: end ?? this.#end?.told };
      return;
    }
    // It lives on: what was wanted before no longer counts for how it ends.
    this.#end = undefined;
    this.#byUser = priority !== null && BigInt(priority) <= 0n;
  }

  #cancelled(told: ContainerEnd | undefined, runs: readonly Run[]): Words {
    const error = told?.error ?? "";
    if (error.startsWith(MAX_RUN_TIME)) return failed(`was stopped after max_run_time: ${error}`);
    const operator = this.#operator;
    if (operator !== undefined)
      return cancelled(`was cancelled by an operator${operator === "" ? "" : `: ${operator}`}`);
    if (this.#cancel !== undefined) return byDispatcher(this.#cancel, runs.at(-1));
    if (this.#byUser) return cancelled("was cancelled by its user: the priority became 0");
    if (error !== "") return failed(`failed: ${error}`);
    return cancelled("was cancelled in the queue, and not by this dispatcher");
  }
}

interface Words {
  readonly tone: EndTone;
  readonly text: string;
}

function toldBy(fact: Fact) {
  switch (fact.type) {
    case "container.added":
      return { state: fact.record.state, priority: fact.record.priority, end: undefined };
    case "container.changed":
      return { state: fact.state, priority: fact.priority, end: fact.end };
    case "operation.succeeded":
      return { state: fact.state, priority: fact.priority, end: undefined };
    default:
      return undefined;
  }
}

function completed(told: ContainerEnd | undefined): Words {
  if (!told || told.exitCode === null)
    return { tone: "unknown", text: "is Complete; with which exit code is not recorded" };
  const { exitCode, warning } = told;
  if (exitCode === 0) {
    const beside = warning === "" ? "" : `; ${warning}`;
    return { tone: "ok", text: `succeeded, with exit code 0${beside}` };
  }
  return failed(`failed: ${exitText(exitCode, warning)}`);
}

/** An exit code, and what is known of why. */
export function exitText(exitCode: number, warning: string): string {
  const signal = SIGNALS[exitCode];
  const code = `exit code ${exitCode}${signal ? `, ended by ${signal}` : ""}`;
  if (warning.startsWith(OUT_OF_MEMORY)) return `${warning} (${code})`;
  return warning === "" ? code : `${code}; ${warning}`;
}

function byDispatcher(reason: string, run: Run | undefined): Words {
  // By an older config it may have run; then the reason is another one.
  if (reason === "not running on any worker") {
    if (!run) return failed(`was lost: it is Running in the queue, and no worker has it`);
    const worker = `${run.instanceType} ${run.instanceId || run.workerId}`;
    return run.lost
      ? failed(`was lost with its worker ${worker}: ${lossOf(run)}`)
      : failed(`was lost: its process on ${worker} is gone, and nobody told how it ended`);
  }
  if (reason === "state=Running after crunch-run exited")
    return failed("was lost: its runner ended, and did not tell how it went");
  if (isOperatorsCancel(reason)) return cancelled(`was ${reason}`);
  return failed(`was cancelled by the dispatcher: ${reason}`);
}

function lossOf({ instanceShutdown, end }: Run): string {
  return instanceShutdown === "" ? end : `it was shut down: ${instanceShutdown}`;
}

function failed(text: string): Words {
  return { tone: "failed", text };
}

function cancelled(text: string): Words {
  return { tone: "cancelled", text };
}
