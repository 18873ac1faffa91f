import { trustConnection } from "./connections.ts";
import type { AppMiddleware } from "./context.ts";
import { makeTokenCheck, tokensOf } from "./tokens.ts";

/** In which the daemon proves, to itself, that it is it that asks. */
export const OWN_KEY_HEADER = "X-Dispatch-Cloud-Own-Key";

interface Identities {
  /** Each of them is good for something here; empty ones are passed over. */
  readonly tokens: readonly string[];
  /** Of this process only; "": nobody has it. */
  readonly ownKey: string;
  /** Whether it is the token of a runner, which the embedded queue knows by itself. */
  readonly isRunnerToken?: ((token: string) => boolean) | undefined;
}

/** Notes who asks. What that one may do, each kind of endpoints decides for itself. */
export function identify({ tokens, ownKey, isRunnerToken }: Identities): AppMiddleware {
  const isOwn = makeTokenCheck(ownKey);
  const checks = tokens.filter((token) => token !== "").map(makeTokenCheck);
  if (isRunnerToken) checks.push(isRunnerToken);
  return (ctx, next) => {
    const brought = tokensOf(ctx).slice(0, TOKENS_MAX);
    const isKnown = brought.some((token) => checks.some((isValid) => isValid(token)));
    ctx.state.hasWrongToken = !isKnown && checks.length > 0 && brought.some((each) => each !== "");
    ctx.state.caller = !isKnown ? "stranger" : isOwn(ctx.get(OWN_KEY_HEADER)) ? "self" : "known";
    if (isKnown) trustConnection(ctx.req);
    return next();
  };
}

/** Nobody needs more, and each takes a digest. */
const TOKENS_MAX = 8;
