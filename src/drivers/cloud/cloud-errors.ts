import { CloudError } from "./port.ts";

/** Whatever goes wrong leaves as a `CloudError`. */
export async function asCloudErrors<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted();
    return await action();
  } catch (cause) {
    if (cause instanceof CloudError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new CloudError({ code: signal.aborted ? "aborted" : "other", message }, { cause });
  }
}
