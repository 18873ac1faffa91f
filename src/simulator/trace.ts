import { formatSeconds, formatSpan } from "../machines/model/amounts.ts";
import type { WorldEvent } from "./world-event.ts";

/** Marks in an actor's column. */
const LEGEND =
  "* record  ! fault  S started  X killed  | c container: q queued l locked r running C complete x cancelled " +
  "| v VM: + made - gone d detached b began e ended";

const STATE_MARKS = { Queued: "q", Locked: "l", Running: "r", Complete: "C", Cancelled: "x" };

interface Row {
  readonly atMs: number;
  readonly actor: string;
  readonly mark: string;
  readonly text: string;
}

/** What happened, one line an event and a column an actor, to be read beside the violation. */
export class Trace {
  readonly #rows: Row[] = [];

  add(event: WorldEvent): void {
    const row = rowOf(event);
    if (row) this.#rows.push({ atMs: event.atMs, ...row });
  }

  lines(untilMs = Infinity): string[] {
    const rows = this.#rows.filter(({ atMs }) => atMs <= untilMs);
    const actors = [...new Set(rows.map(({ actor }) => actor))].sort(inOrder);
    const numbers = new Map(actors.map((actor, at) => [actor, at]));
    const fromMs = rows[0]?.atMs ?? 0;
    const columns = actors.map((actor, at) => `${columnName(at)} ${actor}`);
    return [
      LEGEND,
      `columns: ${columns.join(", ")}`,
      `${"seconds".padStart(11)} ${actors.map((_, at) => columnName(at)).join("")}`,
      ...rows.map(({ atMs, actor, mark, text }) => {
        const cells = actors.map(() => "·");
        cells[numbers.get(actor) ?? 0] = mark;
        return `${formatSeconds(atMs - fromMs).padStart(11)} ${cells.join("")} ${text}`;
      }),
    ];
  }
}

const NAMES = "DABCEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

function columnName(at: number): string {
  return NAMES[at] ?? "#";
}

/** The dispatcher, then containers, then VMs. */
function inOrder(a: string, b: string): number {
  return rank(a) - rank(b) || (a < b ? -1 : a > b ? 1 : 0);
}

function rank(actor: string): number {
  if (actor === "dispatcher") return 0;
  return actor.startsWith("i-") ? 2 : 1;
}

function rowOf(event: WorldEvent): Omit<Row, "atMs"> | undefined {
  switch (event.type) {
    case "fault.happened":
      return { actor: "dispatcher", mark: "!", text: `fault: ${event.kind}` };
    case "daemon.started":
      return {
        actor: "dispatcher",
        mark: "S",
        text: `started, clock off by ${formatSpan(event.clockOffsetMs)}`,
      };
    case "daemon.killed":
      return { actor: "dispatcher", mark: "X", text: "killed" };
    case "record.released":
      return { actor: "dispatcher", mark: "*", text: recordText(event) };
    case "vm.created":
      return { actor: event.instanceId, mark: "+", text: `${event.instanceId} is there` };
    case "vm.ended": {
      const ran = event.processIds.length > 0 ? `, with ${event.processIds.join(" ")}` : "";
      return {
        actor: event.instanceId,
        mark: "-",
        text: `${event.instanceId} ended by ${event.by}${ran}`,
      };
    }
    case "list.asked":
    case "list.refused":
    case "queue.polled":
    case "vm.asked":
    case "vm.missed":
    case "vm.listed":
      return undefined;
    case "process.detached":
    case "process.began":
    case "process.died": {
      const verb = event.type.slice("process.".length);
      const mark = { detached: "d", began: "b", died: "e" }[verb] ?? "?";
      return {
        actor: event.instanceId,
        mark,
        text: `${event.containerId} ${verb} on ${event.instanceId}`,
      };
    }
    case "container.moved":
      return {
        actor: event.containerId,
        mark: STATE_MARKS[event.state],
        text: `${event.containerId} is ${event.state}, by ${event.by}`,
      };
    default:
      return event satisfies never;
  }
}

function recordText({ record }: Extract<WorldEvent, { type: "record.released" }>): string {
  const { fact, seq, decisions, commands } = record;
  const { type, atMs: _atMs, ...rest } = fact;
  const about = type === "config.loaded" ? "" : ` ${JSON.stringify(rest)}`;
  const decided = decisions.map((decision) => ` [${Object.values(decision).join(" ")}]`).join("");
  const asked = commands.map(({ id: _id, ...command }) => ` > ${Object.values(command).join(" ")}`);
  return `${seq} ${type}${about}${decided}${asked.join("")}`;
}
