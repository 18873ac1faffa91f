import type { Socket } from "node:net";
import type { AppContext } from "./context.ts";

type Exchange = Pick<AppContext, "req" | "res">;

/** What is to be told when a connection closes: one listener there, however many requests came over it. */
const toTell = new WeakMap<Socket, Set<() => void>>();

/**
 * Calls back once, when the answer has been written or its connection has closed, whichever is first; at once where that is
 * past. Returns what takes it back. The answer's own "close" does not do: a pipelined answer that stood behind others when
 * its connection closed never had it, and says nothing.
 */
export function onEnded({ req, res }: Exchange, callback: () => void): () => void {
  const { socket } = req;
  if (isOver({ req, res })) {
    callback();
    return () => {};
  }
  const callbacks = callbacksOf(socket);
  const forget = (): void => {
    callbacks.delete(end);
    res.off("close", end);
  };
  const end = (): void => {
    forget();
    callback();
  };
  callbacks.add(end);
  res.once("close", end);
  return forget;
}

/** Whether nobody is there any more who could read an answer, or all of it has been written. */
export function isOver({ req, res }: Exchange): boolean {
  return res.closed || req.socket.destroyed;
}

function callbacksOf(socket: Socket): Set<() => void> {
  const known = toTell.get(socket);
  if (known) return known;
  const callbacks = new Set<() => void>();
  toTell.set(socket, callbacks);
  socket.once("close", () => {
    for (const callback of callbacks) callback();
  });
  return callbacks;
}
