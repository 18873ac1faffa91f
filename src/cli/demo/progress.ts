import { formatSpan } from "../../machines/model/amounts.ts";
import type { StatusAnswer } from "../../http/wire/status.ts";
import type { Io } from "../io.ts";
import { isEnded, type QueuedContainer } from "../queue-api.ts";

/** How far the batch is: one line that is redrawn on a terminal, else a line per change. */
export class Progress {
  readonly #io: Io;
  readonly #startedAtMs: number;
  #shown = "";

  constructor(io: Io) {
    this.#io = io;
    this.#startedAtMs = io.nowMs();
  }

  show(containers: readonly QueuedContainer[], { workers }: StatusAnswer): void {
    const { isTty, columns } = this.#io;
    const text = `${containersText(containers)} · ${workersText(workers)}`;
    if (!isTty && text === this.#shown) return;
    this.#shown = text;
    const line = `${formatSpan(this.#io.nowMs() - this.#startedAtMs).padStart(5)}  ${text}`;
    this.#io.out(isTty ? `\r\u001b[K${line.slice(0, columns - 1)}` : `${line}\n`);
  }

  /** Leaves the line, so that other text may follow. */
  end(): void {
    if (this.#io.isTty && this.#shown !== "") this.#io.out("\n");
    this.#shown = "";
  }
}

function containersText(containers: readonly QueuedContainer[]): string {
  const ended = containers.filter(({ state }) => isEnded(state)).length;
  const running = containers.filter(({ state }) => state === "Running").length;
  const waiting = containers.length - ended - running;
  return `${ended}/${containers.length} ended, ${running} running, ${waiting} waiting`;
}

function workersText(workers: StatusAnswer["workers"]): string {
  const counts = new Map<string, number>();
  for (const { state, count } of workers) counts.set(state, (counts.get(state) ?? 0) + count);
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const parts = [...counts].map(([state, count]) => `${count} ${state}`).sort();
  return total === 0
    ? "no workers"
    : `${total} worker${total === 1 ? "" : "s"}: ${parts.join(", ")}`;
}
