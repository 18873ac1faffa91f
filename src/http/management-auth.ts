import type { AppContext } from "./context.ts";
import { refuse } from "./service-endpoints.ts";
import { makeTokenCheck, tokensOf } from "./tokens.ts";

/** Spec §11.2. False: the refusal is written. */
export function makeManagementAuth(managementToken: string): (ctx: AppContext) => boolean {
  const isToken = makeTokenCheck(managementToken);
  return (ctx) => {
    if (managementToken === "") {
      refuse(ctx, 403, "Management API authentication is not configured");
      return false;
    }
    const tokens = tokensOf(ctx);
    if (tokens.some(isToken)) return true;
    if (tokens.length === 0) refuse(ctx, 401, "Unauthorized");
    else refuse(ctx, 403, "Forbidden");
    return false;
  };
}
