import { once } from "node:events";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "vitest";
import {
  admit,
  begin,
  begun,
  type Identity,
  present,
  Refused,
} from "../../../src/crunch-run/agent/handshake.ts";
import { LineError, readLine, writeLine } from "../../../src/crunch-run/agent/line.ts";
import { pair } from "./pair.ts";

const IDENTITY: Identity = { secret: "0123456789abcdef0123", runner: "r1" };
const PEER = { role: "dispatcher", session: "s1" } as const;

async function shaken(agent: Identity, dispatcher: Identity): Promise<unknown[]> {
  const [left, right] = pair();
  const both = await Promise.allSettled([
    admit(left, agent),
    present(right, dispatcher, PEER),
  ] as const);
  return both.map((each) => (each.status === "fulfilled" ? each.value : each.reason));
}

/** All that `stream` is sent, as one side of a handshake sees it. */
function heard(stream: Duplex): () => string {
  let text = "";
  const push = stream.push.bind(stream);
  stream.push = (piece: Buffer | null): boolean => {
    text += piece === null ? "" : String(piece);
    return push(piece);
  };
  return () => text;
}

describe("the handshake of agent and dispatcher", () => {
  it("lets in who has the secret, and tells what that one said of itself", async () => {
    expect(await shaken(IDENTITY, IDENTITY)).toEqual([PEER, undefined]);
  });

  it("refuses another secret and another runner, and says which", async () => {
    for (const [reason, other] of [
      ["secret", { ...IDENTITY, secret: "another secret of an earlier claim" }],
      ["runner", { ...IDENTITY, runner: "r2" }],
    ] as const) {
      const [agent, dispatcher] = await shaken(IDENTITY, other);
      expect(agent).toMatchObject({ name: "Refused", reason });
      expect(dispatcher).toMatchObject({ name: "Refused", reason });
    }
  });

  it("never sends the secret, nor the same proof twice", async () => {
    const seen: string[] = [];
    for (let round = 0; round < 2; round++) {
      const [left, right] = pair();
      const [toAgent, toDispatcher] = [heard(left), heard(right)];
      await Promise.all([admit(left, IDENTITY), present(right, IDENTITY, PEER)]);
      seen.push(toAgent(), toDispatcher());
    }
    expect(seen.join()).not.toContain(IDENTITY.secret);
    const macs = seen.join().match(/"mac":"[0-9a-f]{64}"/g);
    expect(new Set(macs).size).toBe(4);
  });

  it("is not passed by who sends the dispatcher's own proof back, or none", async () => {
    for (const mac of ["echo", "", 7]) {
      const [left, right] = pair();
      writeLine(left, { v: 1, nonce: "n" });
      const presented = present(right, IDENTITY, PEER).catch((error: unknown) => error);
      const said = await readLine(left);
      writeLine(left, { mac: mac === "echo" ? said["mac"] : mac });
      expect(await presented).toBeInstanceOf(Refused);
    }
  });

  it("is not passed by a proof for another nonce, role, session or runner", async () => {
    for (const change of ["nonce", "role", "session", "runner"]) {
      const [left, right] = pair();
      const [middleLeft, middleRight] = pair();
      const admitted = admit(left, IDENTITY).catch((error: unknown) => error);
      void present(middleRight, IDENTITY, PEER).catch(() => {});
      // Somebody between the two, who changes one thing.
      writeLine(middleLeft, await readLine(right));
      const said = await readLine(middleLeft);
      writeLine(right, { ...said, [change]: change === "role" ? "look" : "other" });
      expect(await admitted, change).toMatchObject({ name: "Refused", reason: "secret" });
      middleLeft.destroy();
    }
  });

  it("ends with what is no line of it: garbage, a line too long, an end, another version", async () => {
    const words: [string, object][] = [
      ["GET / HTTP/1.1\r\n\r\n", { name: "LineError" }],
      [`${"x".repeat(5000)}`, { message: "line too long" }],
      ["null\n", { name: "LineError" }],
      ['{"v":1,"nonce":7,"runner":"","session":"","role":"look"}\n', { name: "LineError" }],
      ['{"v":2}\n', { name: "Refused", reason: "version" }],
    ];
    for (const [text, error] of words) {
      const [left, right] = pair();
      const admitted = admit(left, IDENTITY).catch((cause: unknown) => cause);
      right.write(text);
      expect(await admitted, text.slice(0, 40)).toMatchObject(error);
    }
    const [left, right] = pair();
    const admitted = admit(left, IDENTITY).catch((cause: unknown) => cause);
    right.destroy();
    left.destroy();
    expect(await admitted).toBeInstanceOf(LineError);
  });

  it("leaves in the stream what comes right behind the word that a call begins", async () => {
    const [left, right] = pair();
    begin(left);
    left.write("GET / HTTP/1.1\r\n");
    await begun(right);
    const [piece] = (await once(right, "data")) as [Buffer];
    expect(piece.toString()).toBe("GET / HTTP/1.1\r\n");
  });

  it("waits no longer than it was told for a line that comes in pieces without end", async () => {
    const [left, right] = pair();
    const read = readLine(left, 80).catch((cause: unknown) => cause);
    const timer = setInterval(() => right.write("."), 10);
    expect(await read).toMatchObject({ name: "LineError", message: "nothing came" });
    clearInterval(timer);
  });
});
