import { lookup } from "node:dns/promises";
import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { SecureContextOptions } from "node:tls";
import type Koa from "koa";
import type { Clock } from "../actors/clock.ts";
import type { HttpState } from "./context.ts";
import { boundPipelines, boundStrangers } from "./connections.ts";
import type { Candidate } from "./listen-address.ts";

export interface ListenOptions {
  /** In the order to try. */
  readonly candidates: readonly Candidate[];
  /** For https; PEM texts. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly clock: Clock;
}

export interface Listener {
  /** The configured URL that it serves. */
  readonly url: string;
  /** Where it really listens, with the port that a port of 0 has become: `http://127.0.0.1:9006`. */
  readonly address: string;
  /** Answers what comes over `stream` as over a connection of its own; `from` stands for the other side's address. */
  accept(stream: Duplex, from: string): void;
  /** New certificates, for connections from now on. Throws when they are no PEM. */
  reloadTls(tls: { cert: string; key: string }): void;
  /** Takes no more requests; resolves when those in flight are answered, or cut off after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

const SERVICE = '"arvados-dispatch-cloud" service on this host';

/** Listens on the first candidate that is an address of this machine (specification §2.3). Throws an `Error` that names them all. */
export async function listen(app: Koa<HttpState>, options: ListenOptions): Promise<Listener> {
  const errors: string[] = [];
  for (const candidate of options.candidates) {
    try {
      return await open(app, candidate, options);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      // Another machine's entry.
      if (code !== "EADDRNOTAVAIL") errors.push(`${candidate.url}: ${message}`);
    }
  }
  if (errors.length === 0) throw new Error(`configuration does not enable the ${SERVICE}`);
  throw new Error(`could not enable the ${SERVICE}: ${errors.join("; ")}`);
}

async function open(
  app: Koa<HttpState>,
  { url, host, port, isTls }: Candidate,
  { tls, clock }: ListenOptions,
): Promise<Listener> {
  const answer = app.callback();
  const handle = boundPipelines((request, response) => void answer(request, response));
  const server =
    tls && isTls
      ? createTlsServer({ ...tls, minVersion: "TLSv1.2" }, handle)
      : createServer(handle);
  boundStrangers(server, tls && isTls ? "secureConnection" : "connection");
  answerConnect(server);
  // Where a name has both, the older kind is what most clients try.
  const { address } = await lookup(host, { order: "ipv4first" });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host: address, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
  // Only now, since an address of another machine does not need ours.
  if (isTls && !tls) {
    server.close();
    throw new Error("https needs TLS.Certificate and TLS.Key");
  }
  return {
    url,
    address: addressOf(server, isTls),
    accept: (stream, from) => {
      // Deciphered, where the listener enciphers: what carries the stream does so already.
      server.emit(isTls ? "secureConnection" : "connection", named(stream, from));
      // Its reading may have been paused by whom it comes from.
      stream.resume();
    },
    reloadTls: (renewed: SecureContextOptions) => {
      if ("setSecureContext" in server) server.setSecureContext(renewed);
    },
    close: makeClose(server, clock),
  };
}

/** As a socket tells it, for the log and for who guesses tokens. */
function named(stream: Duplex, remoteAddress: string): Duplex {
  return Object.assign(stream, { remoteAddress });
}

/** Node would drop the connection without a word. */
function answerConnect(server: Server): void {
  server.on("connect", (_request, socket) => {
    socket.on("error", () => socket.destroy());
    socket.end("HTTP/1.1 405 Method Not Allowed\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
}

function addressOf(server: Server, isTls: boolean): string {
  const { address, family, port } = server.address() as AddressInfo;
  const host = family === "IPv6" ? `[${address}]` : address;
  return `${isTls ? "https" : "http"}://${host}:${port}`;
}

function makeClose(server: Server, clock: Clock): Listener["close"] {
  let isClosing = false;
  server.on("request", (_request, response) => {
    response.once("close", () => {
      // Kept alive for a next request, which will not be taken.
      if (isClosing) setImmediate(() => server.closeIdleConnections());
    });
  });
  return (graceMs) => {
    isClosing = true;
    return new Promise((resolve) => {
      const cancel = clock.setTimer(graceMs, () => server.closeAllConnections());
      server.close(() => {
        cancel();
        resolve();
      });
      server.closeIdleConnections();
    });
  };
}
