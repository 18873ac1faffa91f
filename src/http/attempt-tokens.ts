import { createHmac } from "node:crypto";
import type { Attempt } from "../drivers/queue/embedded/port.ts";
import { makeTokenCheck } from "./tokens.ts";

/** Tokens of runners: each is good for one container in one attempt. */
export interface AttemptTokens {
  tokenOf(attempt: Attempt): string;
  /** Whose it is; undefined: none of these. Whether that attempt still goes on, only the queue knows. */
  attemptOf(token: string): Attempt | undefined;
}

/** Begins as Arvados' tokens do, so that whatever hides those from logs hides these too. */
const FORM = /^v2\/([a-z0-9]{5}-dz642-[a-z0-9]{15})-([1-9]\d{0,14})\/[0-9a-f]{64}$/;

/**
 * Derives them from the root token, so that there is no table of them to keep or to lose: after a restart they are the
 * same. Who has one learns neither the root token nor another container's or attempt's.
 */
export function makeAttemptTokens(rootToken: string): AttemptTokens {
  const tokenOf = ({ containerId, number }: Attempt): string => {
    // Its first word tells it from all else that is derived from the root token.
    const message = `attempt ${containerId} ${number}`;
    const secret = createHmac("sha256", rootToken).update(message).digest("hex");
    return `v2/${containerId}-${number}/${secret}`;
  };
  return {
    tokenOf,
    attemptOf(token) {
      const [, containerId, number] = FORM.exec(token) ?? [];
      // Without a root token anybody could derive them.
      if (containerId === undefined || rootToken === "") return undefined;
      const attempt = { containerId, number: Number(number) };
      return makeTokenCheck(tokenOf(attempt))(token) ? attempt : undefined;
    },
  };
}
