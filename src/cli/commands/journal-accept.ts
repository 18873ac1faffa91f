import { hostname, userInfo } from "node:os";
import { openJournal } from "../../drivers/journal/sqlite.ts";
import { NoAnswerError } from "../api.ts";
import { requireClusterConfig } from "../cluster-config.ts";
import { CONFIG_FLAG, defineCommand, JSON_FLAG } from "../command.ts";
import { dataDirOf, makeConnection } from "../connection.ts";
import type { JournalAcceptAnswer } from "../../http/wire/actions.ts";
import { acceptJournal } from "../dispatch-api.ts";
import { CliError, EXIT } from "../exit-code.ts";
import type { Io } from "../io.ts";
import { JOURNAL_NOTE, journalPath } from "../journal-path.ts";

export const journalAcceptCommand = defineCommand({
  name: "journal accept",
  summary: "Takes note that a journal lacks records: the alarm is over.",
  flags: {
    reason: { type: "string", value: "TEXT", help: "Why they are missing; kept in the journal" },
    by: { type: "string", value: "WHO", help: "Kept in the journal; default: user@host" },
    json: JSON_FLAG,
    config: CONFIG_FLAG,
  },
  args: { usage: "[JOURNAL]", min: 0, max: 1 },
  notes: [
    "Without JOURNAL: that of the config's dispatcher, which is asked where it runs, or else its file. " +
      JOURNAL_NOTE,
    "Nothing is brought back by it, and nothing else changes: the journal has been going on under a new id since.",
  ],
  exitCodes: { [EXIT.failed]: "it cannot be written" },
  examples: ['dispatch-cloud journal accept --reason "restored the backup of Monday"'],
  async run({ flags, args, io }) {
    const request = { by: flags.by ?? whoIsThis(), reason: flags.reason ?? "" };
    for (const [name, text] of Object.entries(request))
      if (/\p{Cc}/u.test(text) || text.length > 200)
        throw new CliError(`--${name}: expected one line of at most 200 characters`);
    const [given] = args;
    const accepted =
      given === undefined
        ? await acceptConfigured(flags.config, request, io)
        : await acceptFile(journalPath(given), request, io);
    if (flags.json) io.out(`${JSON.stringify({ accepted })}\n`);
    else
      io.out(
        accepted.length === 0
          ? "nothing is missing: nothing to accept\n"
          : textOf(accepted, request),
      );
    return EXIT.ok;
  },
});

type Accepted = JournalAcceptAnswer["accepted"];

interface Request {
  readonly by: string;
  readonly reason: string;
}

async function acceptConfigured(
  flag: string | undefined,
  request: Request,
  io: Io,
): Promise<Accepted> {
  const config = await requireClusterConfig(flag, io);
  const dataDir = dataDirOf(config, io);
  try {
    return await acceptJournal(makeConnection(config, io), request);
  } catch (error) {
    // It does not run: its file may be written.
    const isStopped = error instanceof NoAnswerError || isUnknownAddress(error);
    if (isStopped) return acceptFile(journalPath(dataDir), request, io);
    throw error;
  }
}

/** One that has never run, or has ended in good order, leaves no address behind. */
function isUnknownAddress(error: unknown): boolean {
  return error instanceof CliError && error.message.includes("daemon.json");
}

async function acceptFile(path: string, { by, reason }: Request, io: Io): Promise<Accepted> {
  const journal = openJournal({ path, mode: "write", nowMs: io.nowMs, ballastBytes: 0 });
  try {
    const accepted = await journal.accept({ by, reason, atMs: Math.floor(io.nowMs()) });
    return accepted.map(({ cause, atMs, lastSeq, witness }) => ({
      cause,
      at: new Date(atMs).toISOString(),
      last_seq: lastSeq,
      written_seq: witness?.lastSeq ?? null,
    }));
  } finally {
    await journal.close();
  }
}

function textOf(accepted: Accepted, { by, reason }: Request): string {
  const lines = accepted.map(({ at, last_seq, written_seq }) => {
    const lost = written_seq !== null && written_seq > last_seq ? ` to ${written_seq}` : "";
    return `accepted: records after ${last_seq}${lost} are missing, noticed at ${at ?? "-"}\n`;
  });
  return `${lines.join("")}recorded: by ${by}${reason ? `, ${reason}` : ""}\n`;
}

function whoIsThis(): string {
  try {
    return `${userInfo().username}@${hostname()}`;
  } catch {
    // A user id without a name.
    return `uid ${process.getuid?.() ?? "?"}@${hostname()}`;
  }
}
