import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const MAIN_PATH = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

/** A journal file that `dispatch-cloud inspect` serves the page over. */
export interface Inspected {
  readonly url: string;
  readonly token: string;
  /** What an endpoint below `/dispatch/v1/` answers. */
  get<T>(path: string): Promise<T>;
  close(): Promise<void>;
}

/** Starts the built program; it has to be built. */
export async function inspectJournal(path: string): Promise<Inspected> {
  const args = [MAIN_PATH, "inspect", "--listen", "127.0.0.1:0", path];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "exit");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  let stdout = "";
  for await (const text of child.stdout.setEncoding("utf8")) {
    stdout += String(text);
    if (/^token +\S+\n/m.test(stdout)) break;
  }
  const url = /^https?:\S+/m.exec(stdout)?.[0];
  const token = /^token +(\S+)$/m.exec(stdout)?.[1];
  if (url === undefined || token === undefined)
    throw new Error(`inspect does not serve: ${stdout}${stderr}`);
  return {
    url,
    token,
    async get<T>(asked: string): Promise<T> {
      const headers = { Authorization: `Bearer ${token}` };
      const response = await fetch(new URL(`dispatch/v1/${asked}`, url), { headers });
      if (!response.ok) throw new Error(`${asked}: ${response.status} ${await response.text()}`);
      return (await response.json()) as T;
    },
    async close() {
      child.kill("SIGINT");
      await ended;
    },
  };
}
