import type { Socket } from "node:net";
import { begin } from "./handshake.ts";

/** A runner's call waits so long for a stream, and for its own first byte; then its connection is closed, and it calls again. */
const WAIT_MS = 10_000;
/** Longer than the runner gives an answer. */
const SILENCE_MS = 60_000;
/** A dispatcher keeps fewer. */
const IDLE_MAX = 64;
/** Many more than run on a machine at once. */
const CLIENTS_MAX = 512;

interface Idle {
  readonly stream: Socket;
  readonly session: string;
  readonly forget: () => void;
}

interface RelayOptions {
  readonly waitMs?: number;
  readonly silenceMs?: number;
}

/** Joins each runner's connection to a stream of the dispatcher's, one to one, for as long as that connection lasts. */
export class Relay {
  readonly #options: RelayOptions;
  /** The newest is last. */
  readonly #idle: Idle[] = [];
  readonly #clients = new Set<Socket>();
  /** Clients that have said something, the oldest first. */
  readonly #waiting = new Set<Socket>();
  /** Streams that a call goes over. */
  #busyCount = 0;

  constructor(options: RelayOptions = {}) {
    this.#options = options;
  }

  get streamsCount(): number {
    return this.#idle.length + this.#busyCount;
  }

  /** A stream that the dispatcher has proved to be its own. */
  addStream(stream: Socket, session: string): void {
    // Those that it opened before its connection or itself died may look alive for minutes, and lead nowhere.
    for (const other of [...this.#idle]) if (other.session !== session) other.stream.destroy();
    if (this.#idle.length >= IDLE_MAX) this.#idle[0]?.stream.destroy();
    // Nothing is due on it: who sends all the same is no dispatcher of ours. Reading is also how its end is seen.
    const onData = (): void => void stream.destroy();
    const forget = (): void => {
      const at = this.#idle.indexOf(idle);
      if (at >= 0) this.#idle.splice(at, 1);
      stream.off("data", onData).off("close", forget);
    };
    const idle = { stream, session, forget };
    this.#idle.push(idle);
    stream.on("data", onData).on("close", forget);
    this.#match();
  }

  /** A runner's connection. */
  addClient(client: Socket): void {
    client.on("error", () => {});
    if (this.#clients.size >= CLIENTS_MAX) return void client.destroy();
    this.#clients.add(client);
    const { waitMs = WAIT_MS } = this.#options;
    const timer = setTimeout(() => client.destroy(), waitMs);
    client.once("close", () => {
      clearTimeout(timer);
      this.#clients.delete(client);
      this.#waiting.delete(client);
    });
    // Streams are few, so they are for those who say something. An end comes as readable too.
    client.once("readable", () => {
      if (client.readableLength === 0) return void client.destroy();
      client.once("relayed", () => clearTimeout(timer));
      this.#waiting.add(client);
      this.#match();
    });
  }

  #match(): void {
    for (const client of this.#waiting) {
      // The newest: it is the likeliest to lead somewhere.
      const idle = this.#idle.at(-1);
      if (!idle) return;
      idle.forget();
      this.#waiting.delete(client);
      client.emit("relayed");
      this.#join(client, idle.stream);
    }
  }

  #join(client: Socket, stream: Socket): void {
    this.#busyCount++;
    client.setTimeout(this.#options.silenceMs ?? SILENCE_MS, () => client.destroy());
    client.once("close", () => stream.destroy());
    stream.once("close", () => {
      this.#busyCount--;
      // Where it had come to its end, the client still gets what it has not taken yet.
      if (!client.writableEnded) client.destroy();
    });
    begin(stream);
    client.pipe(stream);
    stream.pipe(client);
  }
}
