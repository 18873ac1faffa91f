import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

interface Target {
  readonly port: number;
  readonly managementToken: string;
}

type Attack = (target: Target) => Promise<void>;

const HOST = "127.0.0.1";

/** One connection: writes the pieces with a pause between them, then is cut off. Resolves when it is closed. */
function abuse(port: number, pieces: readonly (string | Buffer)[], pauseMs: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => void feed());
    const feed = async (): Promise<void> => {
      for (const piece of pieces) {
        if (socket.destroyed) return;
        socket.write(piece);
        await delay(pauseMs);
      }
      socket.destroy();
    };
    socket.on("error", () => socket.destroy());
    socket.on("close", () => resolve());
    socket.on("data", () => {});
  });
}

/** Several at once, which begin one after the other: a burst would measure the machine. */
async function abuseBy(count: number, port: number, pieces: readonly string[], pauseMs: number) {
  const all: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    all.push(abuse(port, pieces, pauseMs));
    await delay(SPREAD_MS);
  }
  await Promise.all(all);
}

const SPREAD_MS = 10;

const request = (method: string, path: string, headers: Record<string, string> = {}): string =>
  `${method} ${path} HTTP/1.1\r\nHost: ${HOST}\r\n` +
  `${Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("")}\r\n`;

const STATUS = "/dispatch/v1/status";
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** Each goes on for a second or two; they take turns until the end. */
export const ATTACKS: Readonly<Record<string, Attack>> = {
  "pipelined, then closed": ({ port }) => {
    const page = request("GET", "/");
    return abuse(
      port,
      [65, 200, 200].map((count) => page.repeat(count)),
      50,
    );
  },
  "pipelined with the token, then closed": ({ port, managementToken }) => {
    const own = request("GET", "/dispatch/v1/openapi.json", bearer(managementToken));
    return abuse(
      port,
      [65, 65].map((count) => own.repeat(count)),
      50,
    );
  },
  "slow bodies": async ({ port }) => {
    const head = request("POST", "/dispatch/v1/stop", { "Content-Length": "1000" });
    const slow = [head, ..."{ 'reason':"].map(String);
    await abuseBy(300, port, slow, 400);
  },
  "wrong tokens": async ({ port }) => {
    await abuseBy(40, port, [request("GET", STATUS, bearer("wrong"))], 500);
  },
  "many connections": async ({ port }) => {
    await abuseBy(200, port, [""], 2_500);
  },
  "huge headers": async ({ port }) => {
    const huge = request("GET", "/", { "X-Filler": "x".repeat(100_000) });
    await abuseBy(10, port, [huge], 200);
  },
  "foreign pages": async ({ port, managementToken }) => {
    const stop = request("POST", "/dispatch/v1/stop", {
      Origin: "http://evil.example",
      Cookie: `arvados_api_token=${Buffer.from(managementToken).toString("base64url")}`,
      "Content-Length": "0",
    });
    await abuse(port, [stop.repeat(20)], 300);
  },
  garbage: async ({ port }) => {
    const noise = Buffer.from(Array.from({ length: 4_000 }, () => Math.floor(Math.random() * 256)));
    const cut =
      "POST /arvados/v1/container_requests HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n";
    await Promise.all([noise, cut, "\r\n\r\n\0"].map((bytes) => abuse(port, [bytes], 200)));
  },
};
