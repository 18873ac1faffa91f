import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, request, type Server, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Agent, openAgent } from "../../../src/crunch-run/agent/agent.ts";
import { AgentLog } from "../../../src/crunch-run/agent/agent-log.ts";
import { begun, type Identity, present } from "../../../src/crunch-run/agent/handshake.ts";

const IDENTITY: Identity = { secret: "0123456789abcdef0123", runner: "" };

let dir: string;
let paths: { agentSocket: string; apiSocket: string };
let agent: Agent;
let api: Server;
const logged: string[] = [];
const sockets = new Set<Socket>();

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), "agent-"));
  paths = { agentSocket: join(dir, "agent.sock"), apiSocket: join(dir, "api.sock") };
  // As a machine that was switched off leaves them.
  writeFileSync(paths.agentSocket, "");
  writeFileSync(paths.apiSocket, "");
  logged.length = 0;
  agent = await openAgent({ paths, identity: IDENTITY, log: (line) => void logged.push(line) });
  api = createServer((message, response) => {
    let bytes = 0;
    message.on("data", (piece: Buffer) => (bytes += piece.length));
    message.on("end", () => response.end(`${message.method} ${message.url} ${bytes}`));
  });
});

afterEach(() => {
  agent.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  rmSync(dir, { recursive: true, force: true });
});

async function open(path: string): Promise<Socket> {
  const socket = connect(path);
  sockets.add(socket.on("error", () => {}));
  await once(socket, "connect");
  return socket;
}

/** Also of one that is reset. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.resume().once("close", () => resolve()));
}

/** A stream as the dispatcher keeps them: what begins on it goes to the API. */
async function stream(session = "s1"): Promise<Socket> {
  const socket = await open(paths.agentSocket);
  await present(socket, IDENTITY, { role: "dispatcher", session });
  begun(socket).then(
    () => {
      api.emit("connection", socket);
      socket.resume();
    },
    () => socket.destroy(),
  );
  return socket;
}

function call(path: string, body = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body === "" ? "GET" : "PUT";
    const outgoing = request({ socketPath: paths.apiSocket, path, method, agent: false });
    outgoing.on("error", reject).on("response", (response) => {
      let text = "";
      response.on("data", (piece) => (text += String(piece))).on("end", () => resolve(text));
    });
    outgoing.end(body);
  });
}

describe("the agent", () => {
  it("carries a runner's calls over the dispatcher's streams, large ones whole", async () => {
    await Promise.all([stream(), stream(), stream()]);
    const large = "x".repeat(3_000_000);
    expect(await Promise.all([call("/a"), call("/b", large), call("/c")])).toEqual([
      "GET /a 0",
      "PUT /b 3000000",
      "GET /c 0",
    ]);
  });

  it("lets a call wait for a stream", async () => {
    const waiting = call("/a");
    await delay(50);
    await stream();
    expect(await waiting).toBe("GET /a 0");
  });

  it("gives no stream to who says nothing, and takes the newest session's only", async () => {
    const silent = await open(paths.apiSocket);
    const old = await stream("before");
    await stream("now");
    await vi.waitFor(() => expect(old.destroyed).toBe(true));
    expect(await call("/a")).toBe("GET /a 0");
    expect(silent.destroyed).toBe(false);
  });

  it("closes a stream on which something is sent that nobody asked for", async () => {
    const socket = await stream();
    socket.write("hello");
    await closed(socket);
  });

  it("refuses who has another secret, and says so in its log, without it", async () => {
    const secret = "a secret of an earlier claim";
    const socket = await open(paths.agentSocket);
    const refused = present(socket, { ...IDENTITY, secret }, { role: "dispatcher", session: "s" });
    await expect(refused).rejects.toMatchObject({ reason: "secret" });
    await closed(socket);
    expect(logged.at(-1)).toBe("a stream was closed: refused: another secret");
    expect(logged.join()).not.toContain(secret);
  });

  it("outlives garbage, oversize lines, cut-off calls and floods, and then serves as before", async () => {
    for (const text of ["GET / HTTP/1.0\r\n\r\n", "x".repeat(100_000), "\0\n".repeat(1000)]) {
      const socket = await open(paths.agentSocket);
      socket.write(text);
      await closed(socket);
    }
    for (const path of Object.values(paths))
      for (let round = 0; round < 100; round++)
        await Promise.all(
          Array.from({ length: 100 }, () => {
            const socket = connect(path);
            sockets.add(socket.on("error", () => {}).resume());
            return Promise.race([once(socket, "connect"), once(socket, "close")]).catch(() => {});
          }),
        );
    for (const socket of sockets) socket.destroy();
    await stream();
    const cut = await open(paths.apiSocket);
    cut.write("POST / HTTP/1.1\r\nContent-Le");
    await delay(20);
    cut.destroy();
    await stream();
    expect(await call("/a")).toBe("GET /a 0");
    expect(logged.length).toBeLessThan(20);
  }, 60_000);

  it("holds back an API that answers faster than its runner reads", async () => {
    let writtenBytes = 0;
    const socket = await stream();
    api.removeAllListeners("request");
    api.on("request", (_message, response: ServerResponse) => {
      const more = (): void => {
        while (writtenBytes < 50_000_000) {
          writtenBytes += 65_536;
          if (!response.write(Buffer.alloc(65_536))) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    const client = await open(paths.apiSocket);
    client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await delay(300);
    expect(writtenBytes).toBeLessThan(5_000_000);
    let readBytes = 0;
    client.on("data", (piece: Buffer) => (readBytes += piece.length));
    await once(client, "close");
    expect(readBytes).toBeGreaterThan(50_000_000);
    socket.destroy();
  });

  it("ends by itself where no dispatcher comes", async () => {
    const other = { agentSocket: join(dir, "b.sock"), apiSocket: join(dir, "c.sock") };
    const made = await openAgent({ paths: other, identity: IDENTITY, log() {}, lonelyMs: 100 });
    await made.lonely;
    made.close();
  });
});

describe("the agent's log", () => {
  it("is begun anew at its limit, with the one before kept", () => {
    const path = join(dir, "agent.log");
    const log = new AgentLog(path, 1000);
    for (let line = 0; line < 100; line++) log.write(`line ${line}\nof many`);
    expect(statSync(path).size + statSync(`${path}.1`).size).toBeLessThanOrEqual(2000);
    expect(readFileSync(path, "utf8")).toMatch(/ line 99\\nof many\n$/);
  });
});
