import { once } from "node:events";
import { rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { errorText } from "../paths.ts";
import type { AgentPaths } from "./directory.ts";
import { admit, type Identity, Refused } from "./handshake.ts";
import { Relay } from "./relay.ts";

/** Without a dispatcher for so long it ends: one that comes back starts it anew, and a machine that was given back is left clean. */
const LONELY_MS = 600_000;
/** Streams whose handshake is under way. */
const STRANGERS_MAX = 64;
/** A line a second is enough to see who cannot get in. */
const REFUSAL_PAUSE_MS = 1_000;

export interface Agent {
  /** Resolves when no dispatcher has been there for `lonelyMs`. */
  readonly lonely: Promise<void>;
  close(): void;
}

interface AgentOptions {
  readonly paths: Pick<AgentPaths, "agentSocket" | "apiSocket">;
  readonly identity: Identity;
  readonly log: (message: string) => void;
  readonly lonelyMs?: number;
}

/** Listens on both sockets, whose stale files it removes: whoever calls this has the lock. */
export async function openAgent(options: AgentOptions): Promise<Agent> {
  const { paths, log, lonelyMs = LONELY_MS } = options;
  const relay = new Relay();
  const door = makeDoor(options, relay);
  const servers = [
    await listen(paths.agentSocket, door),
    await listen(paths.apiSocket, (client) => relay.addClient(client)),
  ];
  log(`agent pid ${process.pid} listens`);
  let timer: NodeJS.Timeout | undefined;
  const lonely = new Promise<void>((resolve) => {
    let seenAtMs = performance.now();
    timer = setInterval(() => {
      if (relay.streamsCount > 0) seenAtMs = performance.now();
      else if (performance.now() - seenAtMs >= lonelyMs) resolve();
    }, lonelyMs / 10);
  });
  return {
    lonely,
    close() {
      clearInterval(timer);
      for (const server of servers) server.close();
    },
  };
}

/** Lets in who proves to be the dispatcher; all others are closed. */
function makeDoor({ identity, log }: AgentOptions, relay: Relay): (stream: Socket) => void {
  const strangers = new Set<Socket>();
  const complain = makeComplaint(log);
  return (stream) => {
    // An error comes with a close, which is what counts.
    stream.on("error", () => {});
    strangers.add(stream);
    stream.once("close", () => strangers.delete(stream));
    const [oldest] = strangers;
    if (strangers.size > STRANGERS_MAX) oldest?.destroy();
    admit(stream, identity).then(
      ({ role, session }) => {
        strangers.delete(stream);
        if (role === "dispatcher") relay.addStream(stream, session);
        else stream.end();
      },
      (error: unknown) => {
        complain(errorText(error));
        // One that was refused is told so first; it is cut off if it does not take that.
        if (error instanceof Refused) stream.setTimeout(1_000, () => stream.destroy()).resume();
        else stream.destroy();
      },
    );
  };
}

/** However many knock, the log stays readable, and the processor free. */
function makeComplaint(log: (message: string) => void): (reason: string) => void {
  let toldAtMs = -Infinity;
  let untoldCount = 0;
  return (reason) => {
    untoldCount++;
    if (performance.now() - toldAtMs < REFUSAL_PAUSE_MS) return;
    toldAtMs = performance.now();
    log(`a stream was closed: ${reason}${untoldCount > 1 ? ` (and ${untoldCount - 1} more)` : ""}`);
    untoldCount = 0;
  };
}

async function listen(path: string, onConnection: (socket: Socket) => void): Promise<Server> {
  rmSync(path, { force: true });
  const server = createServer(onConnection);
  // Too many open files, for example: others wait, and the next one may get in.
  const listening = once(server, "listening");
  server.listen(path);
  await listening;
  server.on("error", () => {});
  return server;
}
