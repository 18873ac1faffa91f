import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import type { Duplex } from "node:stream";
import { LineError, readLine, writeLine } from "./line.ts";

const VERSION = 1;
const ANSWER_MS = 5_000;

/** What agent and dispatcher have to agree in. */
export interface Identity {
  /** Of the worker's claim; it never goes over the stream. */
  readonly secret: string;
  /** Which runner it is, by its checksum; "" where none is deployed. */
  readonly runner: string;
}

/** `dispatcher`: the stream stays, for a runner's call. `look`: only to see whether the right agent lives. */
export type Role = "dispatcher" | "look";

export interface Peer {
  readonly role: Role;
  /** Of all streams that one dispatcher opened over one connection. */
  readonly session: string;
}

/** `secret` and `runner`: it is another's agent, or another runner's, and has to be replaced. */
export type RefusalReason = "version" | "secret" | "runner";

/** The other side answers, and is not the one that it should be. */
export class Refused extends Error {
  override readonly name = "Refused";
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason) {
    super(`refused: another ${reason}`);
    this.reason = reason;
  }
}

/** The agent's side of a new stream. Throws `Refused` or `LineError`; the stream is then for the caller to close. */
export async function admit(stream: Duplex, identity: Identity): Promise<Peer> {
  const ourNonce = makeNonce();
  writeLine(stream, { v: VERSION, nonce: ourNonce });
  const { v, nonce, mac, runner, session, role } = await readLine(stream, ANSWER_MS);
  if (v !== VERSION) throw refusal(stream, "version");
  const isRole = role === "dispatcher" || role === "look";
  if (!isRole || !isText(nonce) || !isText(runner) || !isText(session))
    throw new LineError("not a line of the protocol");
  const said = [ourNonce, nonce, runner, session];
  if (!isMac(mac, identity.secret, [role, ...said])) throw refusal(stream, "secret");
  // Told only to who has the secret.
  if (runner !== identity.runner) throw refusal(stream, "runner");
  writeLine(stream, { mac: macOf(identity.secret, ["agent", ...said]) });
  return { role, session };
}

/** The dispatcher's side. Throws `Refused` also when it is the agent that does not prove itself. */
export async function present(stream: Duplex, identity: Identity, peer: Peer): Promise<void> {
  const { v, nonce } = await readLine(stream, ANSWER_MS);
  if (v !== VERSION) throw new Refused("version");
  if (!isText(nonce)) throw new LineError("not a line of the protocol");
  const { secret, runner } = identity;
  const { role, session } = peer;
  const ourNonce = makeNonce();
  const said = [nonce, ourNonce, runner, session];
  const mac = macOf(secret, [role, ...said]);
  writeLine(stream, { v: VERSION, nonce: ourNonce, mac, runner, session, role });
  const answer = await readLine(stream, ANSWER_MS);
  const { refused } = answer;
  if (refused === "version" || refused === "secret" || refused === "runner")
    throw new Refused(refused);
  if (!isMac(answer["mac"], secret, ["agent", ...said])) throw new Refused("secret");
}

/** On an idle stream: resolves when the agent has a runner's call for it. */
export async function begun(stream: Duplex): Promise<void> {
  const { begin } = await readLine(stream);
  if (begin !== 1) throw new LineError("not a line of the protocol");
}

export function begin(stream: Duplex): void {
  writeLine(stream, { begin: 1 });
}

/** For a session, or what else nobody may guess. */
export function makeNonce(): string {
  return randomBytes(16).toString("hex");
}

function refusal(stream: Duplex, reason: RefusalReason): Refused {
  stream.end(`${JSON.stringify({ refused: reason })}\n`);
  return new Refused(reason);
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= 100 && !value.includes("|");
}

function macOf(secret: string, parts: readonly string[]): string {
  return createHmac("sha256", secret).update(parts.join("|")).digest("hex");
}

function isMac(given: unknown, secret: string, parts: readonly string[]): boolean {
  const right = Buffer.from(macOf(secret, parts));
  const bytes = Buffer.from(typeof given === "string" ? given : "");
  return bytes.length === right.length && timingSafeEqual(bytes, right);
}
