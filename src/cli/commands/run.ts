import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { configSha256 } from "../../config/load.ts";
import { hasErrors } from "../../config/finding.ts";
import { JournalError } from "../../drivers/journal/port.ts";
import { CONFIG_FLAG, defineCommand } from "../command.ts";
import { findingLine, readClusterConfig } from "../cluster-config.ts";
import { dataDirOf } from "../connection.ts";
import { removeDaemonFile, writeDaemonFile } from "../daemon-file.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { findStartProblems } from "../daemon/preflight.ts";
import { loadSecrets } from "../daemon/secrets.ts";
import { CliError, EXIT } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { packageVersion } from "../version.ts";

export const runCommand = defineCommand({
  name: "run",
  summary: "Runs the dispatcher in the foreground, until it is told to stop.",
  flags: { config: CONFIG_FLAG },
  notes: [
    "SIGTERM and Ctrl-C stop the daemon and leave workers and containers alone: the next one finds them. " +
      "To let everything end first: dispatch-cloud stop --drain.",
    "Logs go to standard error.",
  ],
  exitCodes: {
    [EXIT.failed]: "the config, the journal, the driver or the listening address cannot be used",
    [EXIT.bug]: "a bug; what was recorded is safe, and a new start goes on from there",
  },
  examples: ["dispatch-cloud run --config config/standalone.yml"],
  async run({ flags, io }) {
    const { config, document, findings, sourceName, text } = await readClusterConfig(
      flags.config,
      io,
    );
    for (const finding of findings) io.err(`${findingLine(finding)}\n`);
    if (!config || !document) throw new CliError(`${sourceName} is not usable`);
    const dataDir = dataDirOf(config, io);
    const problems = findStartProblems(config, dataDir);
    if (hasErrors(problems)) throw new CliError(problems.map(findingLine).join("\n"));
    for (const finding of problems) io.err(`${findingLine(finding)}\n`);
    let end: (how: { code: number; reason: string }) => void = () => {};
    const ended = new Promise<{ code: number; reason: string }>((resolve) => (end = resolve));
    const daemon = await startDaemon({
      config,
      document,
      configHash: configSha256(text),
      configSourceAtMs: changedAtMs(sourceName, io),
      dataDir,
      secrets: loadSecrets(config, dataDir),
      version: packageVersion(),
      serviceInternalUrl: io.env["ARVADOS_SERVICE_INTERNAL_URL"] ?? "",
      serverAddress: io.env["ARVADOS_SERVER_ADDRESS"] ?? "",
      searchPath: io.env["PATH"],
      onBug: (error) => {
        io.err(
          `dispatch-cloud: a bug, please report it: ${String((error as Error)?.stack ?? error)}\n`,
        );
        end({ code: EXIT.bug, reason: "a bug" });
      },
      onStopped: (reason) => end({ code: EXIT.ok, reason: reason || "stop was requested" }),
    }).catch((error: unknown) => {
      if (error instanceof JournalError || error instanceof CliError) throw error;
      const reason = error instanceof Error ? error.message : String(error);
      throw new CliError(`cannot start: ${reason}`, { cause: error });
    });
    const { pid } = process;
    writeDaemonFile(dataDir, {
      pid,
      url: daemon.url,
      startedAt: new Date(io.nowMs()).toISOString(),
    });
    tellServiceManager(io);
    const interrupted = io.interrupts();
    interrupted.addEventListener("abort", () =>
      end({ code: EXIT.ok, reason: String(interrupted.reason) }),
    );
    const { code, reason } = await ended;
    const { workers, containers } = daemon.left();
    removeDaemonFile(dataDir, pid);
    await daemon.stop();
    daemon.log.info(
      { Reason: reason, Workers: workers, RunningContainers: containers },
      "stopped; workers and containers are left alone, the next start finds them",
    );
    return code;
  },
});

function changedAtMs(sourceName: string, io: Io): number {
  try {
    return statSync(sourceName).mtimeMs;
  } catch {
    // Standard input has no age.
    return io.nowMs();
  }
}

/** `READY=1` (specification §2.4): Node cannot write to systemd's socket itself. */
function tellServiceManager(io: Io): void {
  if (!io.env["NOTIFY_SOCKET"]) return;
  const notify = spawn("systemd-notify", ["--ready", `--pid=${process.pid}`], { stdio: "ignore" });
  notify.on("error", (error) => io.err(`dispatch-cloud: cannot tell systemd: ${error.message}\n`));
}
