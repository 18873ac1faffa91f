import { errorText, RunnerError } from "./paths.ts";

/** What the dispatcher sends with `--stdin-config` (specification §7.7), as far as this runner uses it. */
export interface StdinConfig {
  readonly env: Readonly<Record<string, string>>;
  readonly keepBuffers: number;
  readonly ec2SpotCheck: boolean;
  /** The agent's socket, where API calls go through that; "" where they go to `ARVADOS_API_HOST`. */
  readonly apiSocket: string;
}

/** Throws `RunnerError`; its message names the field and never shows a value. */
export function parseStdinConfig(text: string): StdinConfig {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, and with it the token.
    throw new RunnerError(
      `standard input: expected a JSON object with --stdin-config, found ${text.trim() ? "other text" : "nothing"}`,
    );
  }
  if (!isObject(json)) throw new RunnerError("standard input: expected a JSON object");
  const given = json["Env"] ?? {};
  if (!isObject(given)) throw new RunnerError("standard input: Env: expected an object");
  const env: Record<string, string> = {};
  for (const [name, value] of Object.entries(given)) {
    if (typeof value !== "string") {
      throw new RunnerError(`standard input: Env.${name}: expected a string`);
    }
    env[name] = value;
  }
  const keepBuffers = json["KeepBuffers"] ?? 0;
  if (typeof keepBuffers !== "number") {
    throw new RunnerError("standard input: KeepBuffers: expected a number");
  }
  const apiSocket = json["ApiSocket"] ?? "";
  if (typeof apiSocket !== "string") {
    throw new RunnerError("standard input: ApiSocket: expected a string");
  }
  return { env, keepBuffers, ec2SpotCheck: json["EC2SpotCheck"] === true, apiSocket };
}

/** All of standard input. Call it only when asked to: a caller may keep it open for ever (specification §15.10). */
export async function readStdin(): Promise<Buffer> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  } catch (error) {
    throw new RunnerError(`standard input: ${errorText(error)}`, { cause: error });
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
