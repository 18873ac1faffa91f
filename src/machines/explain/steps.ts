import type { Change } from "../core/draft.ts";
import type { Command } from "../model/command.ts";
import type { Decision } from "../model/decision.ts";
import type { Fact } from "../model/fact.ts";
import type { JournalRecord } from "../model/record.ts";
import { Ends } from "./ends.ts";
import type { CommandStep, DecisionStep, Step } from "./explanation.ts";
import { factText, failureText } from "./fact-text.ts";
import type { Names } from "./names.ts";
import { isSweep, sweepText } from "./sweep.ts";

const STEPS_KEPT = { oldestMax: 100, newestMax: 900 };

/** What of a record concerns the one who is explained. */
export interface Concerned {
  readonly decisions: readonly Decision[];
  readonly commands: readonly Command[];
  /** Of its own machine. */
  readonly change: Change | undefined;
  /** The fact names it. */
  readonly named: boolean;
}

/** Collects the records that concern one actor, with what became of the commands. */
export class Steps {
  readonly #kept = new Ends<Step>(STEPS_KEPT);
  /** Commands whose outcome is still to come. */
  readonly #open = new Map<string, CommandStep>();

  /** Returns the step, or undefined where nothing of the record concerns the actor. */
  add(record: JournalRecord, concerned: Concerned, names: Names): Step | undefined {
    const { seq, fact } = record;
    this.#settle(record);
    const { decisions, commands, change, named } = concerned;
    if (!named && !change && decisions.length === 0 && commands.length === 0) return undefined;
    const step: Step = {
      seq,
      atMs: fact.atMs,
      fact: { type: fact.type, text: factText(fact, names) },
      decisions: decisions.map((decision) => decisionStep(decision, names)),
      transitions: (change?.transitions ?? []).map((transition) => ({ ...transition })),
      commands: commands.map((command) => commandStep(command, names)),
    };
    for (const command of step.commands) this.#open.set(command.id, command);
    this.#kept.add(step);
    return step;
  }

  finish(): { steps: Step[]; stepsOmitted: number } {
    const { kept, omitted } = this.#kept.finish();
    return { steps: kept, stepsOmitted: omitted };
  }

  #settle({ seq, fact }: JournalRecord): void {
    if (!("commandId" in fact)) return;
    const command = this.#open.get(fact.commandId);
    if (!command) return;
    this.#open.delete(fact.commandId);
    command.outcome = { seq, atMs: fact.atMs, ...outcomeOf(fact) };
  }
}

function outcomeOf(fact: Fact): { ok: boolean; text: string } {
  if ("failure" in fact) return { ok: false, text: failureText(fact.failure) };
  if (fact.type === "start.returned") return { ok: fact.outcome === "started", text: fact.error };
  if (fact.type === "kill.returned") return { ok: fact.gone, text: fact.error };
  return { ok: true, text: "" };
}

/** A decision in one line. */
export function decisionText(decision: Decision, names: Names): string {
  const { subject, reason } = decisionStep(decision, names);
  const done = isSweep(decision) ? "sweep up" : decision.do;
  const what = subject === "" ? done : `${done} ${subject}`;
  return reason === "" ? what : `${what}: ${isSweep(decision) ? sweepText(reason) : reason}`;
}

/** A command in one line. */
export function commandText(command: Command, names: Names): string {
  const { kind, subject } = commandStep(command, names);
  return `${kind} ${subject}`;
}

function decisionStep(decision: Decision, names: Names): DecisionStep {
  const { do: done, reason } = decision;
  switch (done) {
    case "create":
      return {
        do: done,
        subject: `${decision.instanceType} for ${names.container(decision.container)}`,
        reason,
      };
    case "start":
      return {
        do: done,
        subject: `${names.container(decision.container)} on ${names.worker(decision.worker)}`,
        reason,
      };
    case "shutdown":
      return { do: done, subject: names.worker(decision.worker), reason };
    case "holdCreates":
    case "delayRecovery":
    case "finishRecovery":
      return { do: done, subject: "", reason };
    default:
      return { do: done, subject: names.container(decision.container), reason };
  }
}

function commandStep(command: Command, names: Names): CommandStep {
  return { id: command.id, kind: command.kind, subject: subjectOf(command, names), outcome: null };
}

function subjectOf(command: Command, names: Names): string {
  switch (command.kind) {
    case "instance.create":
      return command.instanceType;
    case "instance.destroy":
      return names.worker(command.workerId);
    case "instance.setTags":
      return `${names.worker(command.workerId)} to ${command.idleBehavior}`;
    case "process.start":
      return `${names.container(command.containerId)} on ${names.worker(command.workerId)}`;
    case "process.kill":
      return `${names.container(command.containerId)} on ${names.worker(command.workerId)} with signal ${command.signal}`;
    default:
      return names.container(command.containerId);
  }
}
