import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import ssh2, { type Connection } from "ssh2";
import { makeSshExecutor } from "../../src/drivers/ssh/executor.ts";
import { makeKeyPair } from "../../src/drivers/ssh/key-pair.ts";
import type { SshExecutor } from "../../src/drivers/ssh/port.ts";
import type { Figure } from "./figure.ts";

const SERVER_ARGUMENT = "ssh-bench-server";
const WORKERS_COUNT = 200;
const SPAN_MS = 2000;

/**
 * Commands per second to one worker and to 200: one server process with a port for each. Takes about
 * 10 s. The limits are what ssh2 alone did, both ends on the same two cores.
 */
export async function run(): Promise<Figure[]> {
  const key = makeKeyPair().private;
  const server = fork(fileURLToPath(import.meta.url), [SERVER_ARGUMENT, String(WORKERS_COUNT)]);
  const executors: SshExecutor[] = [];
  try {
    const ports = await portsOf(server);
    executors.push(...ports.map((port) => makeExecutor(port, key)));
    const connectStartedAtMs = performance.now();
    await Promise.all(executors.map(execute));
    const connectsPerSecond = (WORKERS_COUNT * 1000) / (performance.now() - connectStartedAtMs);
    const [one] = executors;
    if (!one) throw new Error("the server has no port");
    const sequential = await commandsPerSecond([one], 1);
    const parallel = await commandsPerSecond([one], 50);
    const spread = await commandsPerSecond(executors, 1);
    const unit = "commands/s";
    return [
      {
        name: "ssh: connect to 200 workers",
        value: connectsPerSecond,
        unit: "connections/s",
        limit: 320,
      },
      { name: "ssh: one worker, one after another", value: sequential, unit, limit: 1612 },
      { name: "ssh: one worker, 50 asked for at once (5 channels)", value: parallel, unit },
      { name: "ssh: 200 workers, one each at once", value: spread, unit, limit: 5875 },
    ];
  } finally {
    for (const executor of executors) executor.close();
    server.kill();
  }
}

async function execute(executor: SshExecutor): Promise<void> {
  const { exitCode } = await executor.execute({ command: "crunch-run --list", timeoutMs: 60_000 });
  if (exitCode !== 0) throw new Error(`the bench command ended with ${exitCode}`);
}

/** Each executor is kept busy with `atOnce` commands for the span. */
async function commandsPerSecond(
  executors: readonly SshExecutor[],
  atOnce: number,
): Promise<number> {
  const startedAtMs = performance.now();
  let commandsCount = 0;
  const lanes = executors.flatMap((executor) => Array<SshExecutor>(atOnce).fill(executor));
  await Promise.all(
    lanes.map(async (executor) => {
      while (performance.now() < startedAtMs + SPAN_MS) {
        await execute(executor);
        commandsCount += 1;
      }
    }),
  );
  return (commandsCount * 1000) / (performance.now() - startedAtMs);
}

function makeExecutor(port: number, privateKey: string): SshExecutor {
  return makeSshExecutor({
    target: { address: `127.0.0.1:${port}`, remoteUser: "bench" },
    defaultPort: "",
    privateKey,
    verifyHostKey: async () => {},
    setTimer(delayMs, callback) {
      const timer = setTimeout(callback, delayMs);
      return () => clearTimeout(timer);
    },
  });
}

async function portsOf(server: ChildProcess): Promise<number[]> {
  const [message] = (await Promise.race([
    once(server, "message"),
    once(server, "exit").then(([code]) => {
      throw new Error(`the bench server ended with ${String(code)}`);
    }),
  ])) as [number[]];
  return message;
}

/** Answers each command at once: what is measured is SSH, not the start of processes. */
async function serve(portsCount: number): Promise<void> {
  const hostKey = makeKeyPair().private;
  const ports: number[] = [];
  for (let index = 0; index < portsCount; index++) {
    const server = new ssh2.Server({ hostKeys: [hostKey] }, answer);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    ports.push((server.address() as AddressInfo).port);
  }
  process.send?.(ports);
  process.once("disconnect", () => process.exit(0));
}

function answer(connection: Connection): void {
  (connection as unknown as { setNoDelay(on: boolean): void }).setNoDelay(true);
  connection.on("error", () => {});
  connection.on("authentication", (context) => context.accept());
  connection.on("session", (accept) => {
    accept().on("exec", (acceptExec) => {
      const channel = acceptExec();
      channel.write("zzzzz-dz642-000000000000001\n");
      channel.exit(0);
      channel.end();
    });
  });
}

if (process.argv[2] === SERVER_ARGUMENT) await serve(Number(process.argv[3]));
