import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { makeSystemClock } from "../../actors/clock.ts";
import { TimelineError } from "../../actors/timeline/timeline.ts";
import type { Journal } from "../../drivers/journal/port.ts";
import { openJournal } from "../../drivers/journal/sqlite.ts";
import { makeInspectApp } from "../../http/inspect-app.ts";
import { listen, type Listener } from "../../http/listen.ts";
import type { Candidate } from "../../http/listen-address.ts";
import { formatTime } from "../../machines/model/amounts.ts";
import { defineCommand } from "../command.ts";
import { PAGE_FOLDER } from "../daemon/view.ts";
import { makeRequestId } from "../daemon/request-id.ts";
import { CliError, EXIT, UsageError } from "../exit-code.ts";
import { openView } from "../inspect/view.ts";
import type { Io } from "../io.ts";
import { JOURNAL_ARG, JOURNAL_NOTE, journalPath } from "../journal-path.ts";

const CLOSE_GRACE_MS = 1_000;

export const inspectCommand = defineCommand({
  name: "inspect",
  summary: "Serves the page over a journal file, without a dispatcher, until Ctrl-C.",
  flags: {
    listen: {
      type: "string",
      value: "HOST:PORT",
      help: "Where to listen; port 0 is one of the system's choice. Default: 127.0.0.1:0",
    },
  },
  args: JOURNAL_ARG,
  notes: [
    JOURNAL_NOTE,
    "It prints the page's address and a token, which is new each time and is what the page's login asks for. The file is " +
      "opened for reading only, and nothing can be changed through the page. A dispatcher may be writing it meanwhile: " +
      "the page then follows.",
  ],
  exitCodes: {
    [EXIT.ok]: "it was interrupted",
    [EXIT.failed]: "the journal cannot be read or folded, or the address cannot be had",
  },
  examples: [
    "dispatch-cloud inspect /var/lib/dispatch-cloud",
    "dispatch-cloud inspect --listen 127.0.0.1:9010 last-night.db",
  ],
  async run({ flags, args, io }) {
    const candidate = candidateOf(flags.listen ?? "127.0.0.1:0");
    const interrupted = io.interrupts();
    const path = journalPath(args[0] ?? "");
    const journal = openJournal({ path, mode: "read", nowMs: io.nowMs });
    try {
      await serve(journal, { path, candidate, io, interrupted });
      return EXIT.ok;
    } catch (error) {
      if (error instanceof TimelineError) throw new CliError(error.message, { cause: error });
      throw error;
    } finally {
      await journal.close();
    }
  },
});

interface Serving {
  readonly path: string;
  readonly candidate: Candidate;
  readonly io: Io;
  readonly interrupted: AbortSignal;
}

/** Until it is interrupted. */
async function serve(journal: Journal, { path, candidate, io, interrupted }: Serving) {
  const clock = makeSystemClock();
  const warn = (error: Error): void => io.err(`${error.message}\n`);
  const view = await openView(journal, clock, warn);
  const token = randomBytes(24).toString("base64url");
  const silent = (): void => {};
  const log = {
    debug: silent,
    info: silent,
    warn: silent,
    error: (fields: object, message: string) => io.err(`${message}: ${errorText(fields)}\n`),
  };
  const app = makeInspectApp({
    view: view.options,
    token,
    pageFolder: PAGE_FOLDER,
    makeRequestId,
    log,
  });
  let listener: Listener | undefined;
  try {
    listener = await listen(app, { candidates: [candidate], clock }).catch((error: Error) => {
      throw new CliError(
        `cannot listen on ${candidate.host}:${candidate.port}: ${reasonOf(error)}`,
      );
    });
    io.out(`${listener.address}/\ntoken    ${token}\njournal  ${path}: ${rangeOf(journal)}\n`);
    if (!isLoopback(candidate.host))
      io.err("others can reach this address, and the token is sent to it in the clear\n");
    if (!interrupted.aborted) await once(interrupted, "abort");
  } finally {
    view.close();
    await listener?.close(CLOSE_GRACE_MS);
  }
}

function rangeOf(journal: Journal): string {
  const { records, firstSeq, lastSeq, firstAtMs, lastAtMs } = journal.stats();
  if (records === 0) return "empty";
  return `records ${firstSeq} to ${lastSeq}, from ${formatTime(firstAtMs)} to ${formatTime(lastAtMs)}`;
}

function candidateOf(text: string): Candidate {
  const url = `http://${text}/`;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const port = /:(\d{1,5})$/.exec(text)?.[1];
  const isPlain = parsed?.pathname === "/" && parsed.username === "" && parsed.search === "";
  if (!parsed || !isPlain || port === undefined || Number(port) > 65_535)
    throw new UsageError(
      `--listen: found ${JSON.stringify(text)}, expected HOST:PORT such as 127.0.0.1:9010`,
    );
  const host = parsed.hostname.replace(/^\[(.*)\]$/, "$1");
  return { url, host, port: Number(port), isTls: false };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}

/** Without the words of a service among others. */
function reasonOf({ message }: Error): string {
  if (message.startsWith("configuration does not")) return "it is no address of this machine";
  return message.replace(/^could not enable .*? this host: (http:\S+: )?/, "");
}

function errorText(fields: object): string {
  const { err } = fields as { err?: unknown };
  return err instanceof Error ? (err.stack ?? err.message) : String(err);
}
