import { existsSync } from "node:fs";
import { explain } from "../actors/timeline/explain.ts";
import { TimelineError } from "../actors/timeline/walk.ts";
import type { Journal } from "../drivers/journal/port.ts";
import { openJournal } from "../drivers/journal/sqlite.ts";
import { explanationFromWire } from "../http/explain-wire.ts";
import type { Explanation } from "../machines/explain/explanation.ts";
import { formatTime } from "../machines/model/amounts.ts";
import { callApi, NoAnswerError, RefusedError } from "./api.ts";
import { requireClusterConfig } from "./cluster-config.ts";
import { dataDirOf, makeConnection, type Connection } from "./connection.ts";
import { dataPaths } from "./data-dir.ts";
import { CliError } from "./exit-code.ts";
import type { Io } from "./io.ts";
import { seqOfMoment, type Moment } from "./moment-flag.ts";
import { isRequestId, listRequests } from "./queue-api.ts";

export interface Explained {
  readonly explanation: Explanation;
  /** Where it was read from, in words. */
  readonly source: string;
}

/** From the dispatcher of a config; where it does not answer, from its journal. Throws `CliError`, `JournalError`. */
export async function explainForConfig(
  id: string,
  configFlag: string | undefined,
  io: Io,
  at?: Moment,
): Promise<Explained> {
  const config = await requireClusterConfig(configFlag, io);
  try {
    return await explainByDispatcher(id, makeConnection(config, io), at);
  } catch (error) {
    const unreachable = error instanceof NoAnswerError || isPlain(error);
    const path = dataPaths(dataDirOf(config, io)).journal;
    if (!unreachable) throw error;
    if (!existsSync(path))
      throw new CliError(`${error.message}; and there is no journal at ${path}`, { cause: error });
    return explainFromFile(id, path, io, at);
  }
}

/** That there is no address to ask at. */
function isPlain(error: unknown): error is CliError {
  return error instanceof CliError && error.constructor === CliError;
}

async function explainByDispatcher(
  id: string,
  connection: Connection,
  at: Moment | undefined,
): Promise<Explained> {
  const source = `the dispatcher at ${connection.urls[0]}`;
  try {
    const path = `/dispatch/v1/explain/${encodeURIComponent(id)}${at ? `?at=${wireMoment(at)}` : ""}`;
    const answer = await callApi(connection, { path, token: "management" });
    return { explanation: explanationFromWire(answer), source };
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 404) throw error;
    const text = error.message.replace(/^.*?: 404 [^:]*: /, "");
    const hint = await hintFor(id, connection);
    throw new UnknownError(`${source}: ${text}${hint}`, { cause: error });
  }
}

function wireMoment(at: Moment): string {
  return "seq" in at ? String(at.seq) : new Date(at.atMs).toISOString();
}

/** Nobody there has heard of it. */
class UnknownError extends CliError {}

/** A request's uuid is easily taken for its container's. */
async function hintFor(id: string, connection: Connection): Promise<string> {
  if (!isRequestId(id)) return "";
  const requests = await listRequests(connection, [["uuid", "=", id]]).catch(() => []);
  const containerId = requests[0]?.container_uuid;
  return containerId
    ? `; it is a container request: dispatch-cloud explain ${containerId} tells of its container`
    : REQUEST_HINT;
}

const REQUEST_HINT =
  "; it is the uuid of a container request: ask for its container_uuid (dispatch-cloud ps --all lists them)";

/** From a journal file, whoever wrote it, all of it if need be. Throws `CliError`, `JournalError`. */
export async function explainFromFile(
  id: string,
  path: string,
  io: Io,
  at?: Moment,
): Promise<Explained> {
  const journal = openJournal({ path, mode: "read", nowMs: io.nowMs });
  try {
    const atSeq = at && seqWithin(journal, at, io.nowMs());
    const options = { journal, atSeq, recordsMax: Infinity, pause: async () => {} };
    const explanation = await explain(id, options);
    if (explanation) return { explanation, source: path };
    const { records, firstSeq, lastSeq, firstAtMs, lastAtMs } = journal.stats();
    const range =
      records === 0
        ? "it is empty"
        : `records ${firstSeq} to ${lastSeq}, from ${formatTime(firstAtMs)} to ${formatTime(lastAtMs)}`;
    const then = at ? ` up to record ${atSeq}` : "";
    const hint = isRequestId(id) ? REQUEST_HINT : "";
    throw new UnknownError(
      `the journal ${path} (${range}) names no container and no instance ${id}${then}${hint}`,
    );
  } catch (error) {
    if (error instanceof TimelineError) throw new CliError(error.message, { cause: error });
    throw error;
  } finally {
    await journal.close();
  }
}

function seqWithin(journal: Journal, at: Moment, nowMs: number): number {
  const seq = seqOfMoment(journal, at, nowMs);
  const { firstSeq, lastSeq } = journal.stats();
  if (seq > 0 && seq >= firstSeq && seq <= lastSeq) return seq;
  const what = "seq" in at ? `record ${seq}` : formatTime(at.atMs);
  throw new CliError(`--at: ${what} is not within records ${firstSeq} to ${lastSeq}`);
}
