import type { IncomingMessage, RequestListener, Server } from "node:http";
import type { Socket } from "node:net";

/** Answers that one connection may be waiting for: browsers wait for one, and who pipelines more stops everybody else. */
const UNANSWERED_MAX = 64;
/** Connections that have never brought a valid token. Files, too, are opened by number. */
const STRANGERS_MAX = 1_000;

const trusted = new WeakSet<Socket>();

/** A valid token came over it: it is kept, however many others there are. */
export function trustConnection({ socket }: IncomingMessage): void {
  trusted.add(socket);
}

/** Where there are too many connections of strangers, the oldest of them is closed: a newcomer may be somebody with a token. */
export function boundStrangers(
  server: Server,
  event: "connection" | "secureConnection",
  strangersMax = STRANGERS_MAX,
): void {
  /** The oldest is first. */
  const strangers = new Set<Socket>();
  server.on(event, (socket: Socket) => {
    strangers.add(socket);
    socket.once("close", () => strangers.delete(socket));
    for (const oldest of strangers) {
      if (strangers.size <= strangersMax) return;
      strangers.delete(oldest);
      if (!trusted.has(oldest)) oldest.destroy();
    }
  });
}

interface Pipeline {
  unanswered: number;
  /** Its last answer is on its way: what comes after is not looked at. */
  isRefused: boolean;
}

/** Answers 503, and closes, a connection that asks for more and more without waiting. */
export function boundPipelines(handle: RequestListener): RequestListener {
  const pipelines = new WeakMap<Socket, Pipeline>();
  return (request, response) => {
    const { socket } = request;
    const pipeline = pipelines.get(socket) ?? { unanswered: 0, isRefused: false };
    pipelines.set(socket, pipeline);
    // The parser hands on all that a packet held, also after the end.
    if (pipeline.isRefused || socket.destroyed) return;
    if (pipeline.unanswered >= UNANSWERED_MAX) {
      pipeline.isRefused = true;
      response.writeHead(503, {
        "Content-Type": "text/plain; charset=utf-8",
        Connection: "close",
        "Retry-After": "5",
      });
      response.end(`more than ${UNANSWERED_MAX} requests at once on one connection\n`);
      return;
    }
    pipeline.unanswered++;
    response.once("close", () => pipeline.unanswered--);
    handle(request, response);
  };
}
