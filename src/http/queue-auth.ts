import { makeTokenCheck } from "./tokens.ts";

/** Finds the token that an `Authorization` header carries, in a time that does not tell which one nearly matched. */
export function makeTokenFinder(tokens: readonly string[]): (header: string) => string | undefined {
  // A configured "" would let everybody in.
  const known = tokens
    .filter((token) => token !== "")
    .map((token) => ({ token, matches: makeTokenCheck(token) }));
  if (known.length === 0) {
    throw new Error("the queue's API needs a token: set SystemRootToken or ManagementToken");
  }
  return (header) => {
    const given = /^(?:Bearer|OAuth2) (\S+)$/.exec(header)?.[1] ?? "";
    let found: string | undefined;
    for (const { token, matches } of known) if (matches(given)) found = token;
    return found;
  };
}
