import type { Attempt } from "../drivers/queue/embedded/port.ts";
import { makeAttemptTokens } from "./attempt-tokens.ts";
import { makeTokenCheck } from "./tokens.ts";

export interface QueueCaller {
  /** The uuid of the token that it acts by. */
  readonly authId: string;
  /** Of a runner: all that it may see and change. */
  readonly attempt?: Attempt;
}

interface QueueAuthOptions {
  /** Each of them may do everything; empty ones are passed over. */
  readonly tokens: readonly string[];
  /** Whose runners are let in, each with the token of its attempt; "": none are. */
  readonly rootToken: string;
  readonly authIdOf: (token: string) => string;
}

/** Finds who an `Authorization` header stands for, in a time that does not tell which token nearly matched. */
export function makeCallerFinder({
  tokens,
  rootToken,
  authIdOf,
}: QueueAuthOptions): (header: string) => QueueCaller | undefined {
  // A configured "" would let everybody in.
  const known = tokens
    .filter((token) => token !== "")
    .map((token) => ({ token, matches: makeTokenCheck(token) }));
  if (known.length === 0) {
    throw new Error("the queue's API needs a token: set SystemRootToken or ManagementToken");
  }
  const runners = makeAttemptTokens(rootToken);
  return (header) => {
    const given = /^(?:Bearer|OAuth2) (\S+)$/.exec(header)?.[1] ?? "";
    let found: string | undefined;
    for (const { token, matches } of known) if (matches(given)) found = token;
    if (found !== undefined) return { authId: authIdOf(found) };
    const attempt = runners.attemptOf(given);
    // It acts for who has locked the container: the dispatcher, by the root token.
    return attempt && { authId: authIdOf(rootToken), attempt };
  };
}
