import type { Duplex } from "node:stream";
import type { Listener } from "../../http/listen.ts";

/** The daemon's own HTTP side, for calls that come by other ways; it is known only once the daemon listens. */
export class LateApi {
  #listener: Pick<Listener, "accept"> | undefined;

  set(listener: Pick<Listener, "accept">): void {
    this.#listener = listener;
  }

  serve(stream: Duplex, from: string): void {
    if (this.#listener) this.#listener.accept(stream, from);
    else stream.destroy();
  }
}
