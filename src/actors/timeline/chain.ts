import type { Journal } from "../../drivers/journal/port.ts";
import { concerns, createdBy, type ActorName } from "../../machines/explain/concerns.ts";
import { factText } from "../../machines/explain/fact-text.ts";
import type { Names } from "../../machines/explain/names.ts";
import { commandText, decisionText } from "../../machines/explain/steps.ts";
import type { Command } from "../../machines/model/command.ts";
import type { Decision } from "../../machines/model/decision.ts";
import { actorKey, seqOfCommand, type ActorKey } from "../../machines/model/ids.ts";
import { actorsOf } from "../../machines/model/record-actors.ts";
import type { JournalRecord } from "../../machines/model/record.ts";
import type { ToldTimes } from "../../machines/model/told-times.ts";

export interface Link {
  readonly seq: number;
  readonly atMs: number;
  readonly kind: "fact" | "decision" | "command" | "outcome";
  /** "" where it concerns no single actor. */
  readonly actor: ActorKey | "";
  readonly text: string;
}

export interface Chain {
  readonly links: readonly Link[];
  /** Why it ends before its beginning; else "". */
  readonly missing: string;
}

const LINKS_MAX = 40;

/** Which decisions ask for a command; others follow from a fact by itself. */
const ASKED_BY: Readonly<Partial<Record<Command["kind"], readonly Decision["do"][]>>> = {
  "instance.destroy": ["shutdown"],
  "process.start": ["start"],
  "process.kill": ["kill"],
  "container.lock": ["lock"],
  "container.unlock": ["unlock", "requeue"],
  "container.cancel": ["cancel"],
};

/**
 * From a record back to the fact that began it: an outcome to the command, the command to the decision that asked for it,
 * the decision to what was newly known of those whom it concerns. Each link is read from the journal.
 */
export function chainOf(
  journal: Journal,
  fromSeq: number,
  { actor, names, times }: { actor?: ActorName | undefined; names: Names; times: ToldTimes },
): Chain {
  const links: Link[] = [];
  let current = recordAt(journal, fromSeq);
  let focus = current && decisionAbout(current, actor);
  let missing = "";
  const add = (kind: Link["kind"], { seq, fact }: JournalRecord, of: Link["actor"], text: string) =>
    links.push({ seq, atMs: times.timeAt(seq, fact.atMs), kind, actor: of, text });
  while (current && links.length < LINKS_MAX) {
    const at: JournalRecord = current;
    const { fact } = at;
    const subject = subjectOf(at);
    if ("commandId" in fact) {
      add("outcome", at, subject, factText(fact, names));
      const asking = askedBy(journal, fact.commandId);
      if (typeof asking === "string") {
        missing = asking;
        break;
      }
      add("command", asking.record, subject, commandText(asking.command, names));
      focus = decisionFor(asking.command, asking.record);
      if (asking.record.fact.type !== "planner.ran") {
        if (focus)
          add("decision", asking.record, subjectOfDecision(focus), decisionText(focus, names));
        current = asking.record;
        continue;
      }
      if (!focus) break;
      add("decision", asking.record, subjectOfDecision(focus), decisionText(focus, names));
      current = before(journal, asking.record.seq, focus);
    } else if (fact.type === "planner.ran") {
      add("fact", at, "", factText(fact, names));
      focus = decisionAmong(at, focus) ?? at.decisions[0];
      if (!focus) break;
      add("decision", at, subjectOfDecision(focus), decisionText(focus, names));
      current = before(journal, at.seq, focus);
    } else {
      add("fact", at, subject, factText(fact, names));
      break;
    }
    if (!current)
      missing = "what came before is not in the journal, or concerns nobody in particular";
  }
  if (links.length >= LINKS_MAX) missing = `it goes on further back: ${LINKS_MAX} links are shown`;
  return { links, missing };
}

function decisionAbout(record: JournalRecord, actor: ActorName | undefined): Decision | undefined {
  return actor && record.decisions.find((decision) => concerns(decision, actor));
}

/** The decision of a run about those whom a later one concerns. */
function decisionAmong({ decisions }: JournalRecord, later: Decision | undefined) {
  if (!later) return undefined;
  const about = actorsIn(later);
  return decisions.find((decision) => actorsIn(decision).some((key) => about.includes(key)));
}

function decisionFor(command: Command, record: JournalRecord): Decision | undefined {
  if (command.kind === "instance.create")
    return createdBy(record).find((each) => each.command.id === command.id)?.decision;
  const kinds = ASKED_BY[command.kind] ?? [];
  return record.decisions.find(
    (decision) =>
      kinds.includes(decision.do) &&
      (("container" in decision &&
        "containerId" in command &&
        decision.container === command.containerId) ||
        ("worker" in decision && "workerId" in command && decision.worker === command.workerId)),
  );
}

function actorsIn(decision: Decision): ActorKey[] {
  return [
    ...("container" in decision ? [actorKey("container", decision.container)] : []),
    ...("worker" in decision ? [actorKey("worker", decision.worker)] : []),
  ];
}

function subjectOfDecision(decision: Decision): Link["actor"] {
  return actorsIn(decision)[0] ?? "";
}

/** The actor that the fact itself names, where it is one. */
function subjectOf({ fact }: JournalRecord): Link["actor"] {
  const [first] = actorsOf({ seq: 1, fact, commands: [], decisions: [] });
  return first ?? "";
}

function askedBy(
  journal: Journal,
  commandId: string,
): { record: JournalRecord; command: Command } | string {
  const seq = seqOfCommand(commandId);
  if (!commandId.startsWith(`${journal.id}-`) || !Number.isSafeInteger(seq))
    return `the command ${commandId} was asked for in another journal`;
  const record = recordAt(journal, seq);
  if (!record) return `record ${seq}, which asked for it, is no longer in the journal`;
  const command = record.commands.find(({ id }) => id === commandId);
  return command ? { record, command } : `record ${seq} asked for no such command`;
}

/** The newest record that names one of those whom the decision concerns, before it was taken. */
function before(journal: Journal, beforeSeq: number, focus: Decision): JournalRecord | undefined {
  const seqs = actorsIn(focus).flatMap((key) => journal.seqsOf(key, { limit: 1, beforeSeq }));
  return seqs.length === 0 ? undefined : recordAt(journal, Math.max(...seqs));
}

function recordAt(journal: Journal, seq: number): JournalRecord | undefined {
  const { records, firstSeq, lastSeq } = journal.stats();
  if (records === 0 || seq < firstSeq || seq > lastSeq) return undefined;
  for (const record of journal.read({ fromSeq: seq, toSeq: seq })) return record;
  return undefined;
}
