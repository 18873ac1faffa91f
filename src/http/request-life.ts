import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { AppContext } from "./context.ts";

type Exchange = Pick<AppContext, "req" | "res">;
type Callbacks = Set<() => void>;

/** One listener on each response and one on each connection, however many there are that want to be told. */
const ofResponse = new WeakMap<ServerResponse, Callbacks>();
const ofSocket = new WeakMap<Socket, Callbacks>();

/**
 * Calls back once, when the answer has been written or its connection has closed, whichever is first; at once where that is
 * past. Returns what takes it back. The answer's own "close" does not do: a pipelined answer that stood behind others when
 * its connection closed never had it, and says nothing.
 */
export function onEnded(exchange: Exchange, callback: () => void): () => void {
  if (isOver(exchange)) {
    callback();
    return () => {};
  }
  const callbacks = ofResponse.get(exchange.res) ?? watch(exchange);
  // Of its own, so that the same callback may be given twice.
  const entry = (): void => callback();
  callbacks.add(entry);
  return () => callbacks.delete(entry);
}

/** Whether nobody is there any more who could read an answer, or all of it has been written. */
export function isOver({ req, res }: Exchange): boolean {
  return res.closed || req.socket.destroyed;
}

function watch({ req, res }: Exchange): Callbacks {
  const callbacks: Callbacks = new Set();
  ofResponse.set(res, callbacks);
  const onClosed = callbacksOf(req.socket);
  const end = (): void => {
    onClosed.delete(end);
    res.off("close", end);
    for (const callback of callbacks) callback();
    callbacks.clear();
  };
  onClosed.add(end);
  res.once("close", end);
  return callbacks;
}

function callbacksOf(socket: Socket): Callbacks {
  const known = ofSocket.get(socket);
  if (known) return known;
  const callbacks: Callbacks = new Set();
  ofSocket.set(socket, callbacks);
  socket.once("close", () => {
    for (const callback of callbacks) callback();
  });
  return callbacks;
}
