import type Router from "@koa/router";
import type { Chain } from "../actors/timeline/chain.ts";
import { TimelineError, type ActorState, type Seen } from "../actors/timeline/timeline.ts";
import { BusyError } from "../actors/turns.ts";
import { JournalError } from "../drivers/journal/port.ts";
import { actorView, historyView, lanesView } from "./actor-view.ts";
import { answer, answerInPieces } from "./answer.ts";
import type { AppContext, HttpState } from "./context.ts";
import { explanationFor } from "./explain.ts";
import { logLinesOf } from "./log-lines.ts";
import { machinesAnswer } from "./machines.ts";
import { openApiDocument } from "./openapi.ts";
import { Problem } from "./problem.ts";
import { recordText } from "./record-view.ts";
import { onEnded } from "./request-life.ts";
import { liveMoment, momentOf, stateText } from "./state-view.ts";
import { instant } from "./instant.ts";
import {
  badParameter,
  countParam,
  momentParam,
  outOfBounds,
  param,
  seqParam,
} from "./view-params.ts";
import type { ViewOptions } from "./view-options.ts";
import type { RecordAnswer } from "./wire/record.ts";
import { wireJson } from "./wire-json.ts";

const RECORDS_MAX = 500;
const BINS = { absent: 120, min: 1, max: 2_000 } as const;

/** What the page reads; all of it may be asked of a journal file as well. */
export function addViewRoutes(router: Router<HttpState>, options: ViewOptions): void {
  const view = (path: string, serve: (ctx: AppContext, signal: AbortSignal) => Promise<void>) =>
    router.get(path, (ctx) => whileHere(ctx, (signal) => serve(ctx, signal)));
  view("/state", (ctx, signal) => serveState(ctx, options, signal));
  view("/events", (ctx) => serveEvents(ctx, options));
  view("/records", (ctx, signal) => serveRecords(ctx, options, signal));
  view("/records/:seq", (ctx, signal) => serveRecord(ctx, options, signal));
  view("/actors/:id", (ctx, signal) => serveActor(ctx, options, signal));
  view("/actors/:id/history", (ctx, signal) => serveHistory(ctx, options, signal));
  view("/timeline", (ctx, signal) => serveTimeline(ctx, options, signal));
  view("/machines", async (ctx) => answer(ctx, 200, machinesAnswer()));
  let document: object | undefined;
  view("/openapi.json", async (ctx) =>
    answer(ctx, 200, (document ??= openApiDocument(options.version))),
  );
  view("/explain/:id", async (ctx, signal) =>
    answer(ctx, 200, await explanationFor(ctx, options, signal)),
  );
}

/** Work ends when its client has gone; what the journal cannot tell is said as a problem. */
async function whileHere(
  ctx: AppContext,
  serve: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const gone = new AbortController();
  const forget = onEnded(ctx, () => gone.abort());
  try {
    await serve(gone.signal);
  } catch (error) {
    throw toProblem(error);
  } finally {
    forget();
  }
}

function toProblem(error: unknown): unknown {
  if (error instanceof BusyError || (error instanceof TimelineError && error.code === "too-far"))
    return new Problem(503, "overloaded", error.message, { "Retry-After": "2" });
  if (error instanceof TimelineError || error instanceof JournalError)
    return new Problem(500, "journal-unreadable", error.message);
  return error;
}

async function serveState(ctx: AppContext, options: ViewOptions, signal: AbortSignal) {
  const { timeline, live } = options;
  const seq = seqParam(ctx, "at", options);
  const bounds = timeline.bounds();
  const moment =
    seq === undefined && live
      ? liveMoment(live.readModel, {
          atMs: bounds.lastAtMs,
          settings: live.settings(),
          types: live.instanceTypes(),
        })
      : momentOf(await timeline.state(seq ?? bounds.lastSeq, signal));
  answerInPieces(ctx, stateText(moment, bounds, options));
}

async function serveEvents(ctx: AppContext, { events }: ViewOptions): Promise<void> {
  const [name, text] =
    param(ctx, "after") !== ""
      ? ["after", param(ctx, "after")]
      : ["Last-Event-ID", ctx.get("Last-Event-ID")];
  if (text !== "" && !/^\d{1,15}$/.test(text)) throw badParameter(name, text, "a record's number");
  const stream = events.join(text === "" ? undefined : Number(text));
  // It may last for days: it is no request that others wait for, and none whose age tells anything.
  ctx.state.leaveLimiter?.();
  ctx.state.isStream = true;
  ctx.status = 200;
  ctx.set("Content-Type", "text/event-stream; charset=utf-8");
  ctx.set("Cache-Control", "no-store");
  ctx.set("X-Content-Type-Options", "nosniff");
  ctx.set("X-Accel-Buffering", "no");
  ctx.body = stream;
  ctx.flushHeaders();
}

async function serveRecords(ctx: AppContext, options: ViewOptions, signal: AbortSignal) {
  const { timeline } = options;
  const bounds = timeline.bounds();
  const limits = { absent: bounds.firstSeq, min: 0, max: Number.MAX_SAFE_INTEGER };
  const fromSeq = countParam(ctx, "from", limits);
  const limit = countParam(ctx, "limit", { absent: 100, min: 1, max: RECORDS_MAX });
  const isAfterLast = fromSeq > bounds.lastSeq || bounds.firstSeq === 0;
  if (fromSeq < bounds.firstSeq || fromSeq > bounds.lastSeq + 1)
    throw outOfBounds("from", `record ${fromSeq}`, bounds);
  const seen = isAfterLast ? [] : await timeline.records(fromSeq, limit, signal);
  const lastSeq = seen.at(-1)?.record.seq ?? fromSeq - 1;
  const nextSeq = lastSeq < timeline.lastSeq ? lastSeq + 1 : null;
  answerInPieces(ctx, recordsText(seen, nextSeq, options));
}

async function* recordsText(
  seen: readonly Seen[],
  nextSeq: number | null,
  { pause }: ViewOptions,
): AsyncGenerator<string> {
  for (const [at, each] of seen.entries()) {
    yield at === 0 ? `{"items":[` : ",";
    yield* recordText(each, pause);
  }
  yield `${seen.length === 0 ? '{"items":[' : ""}],"next_seq":${nextSeq}}\n`;
}

async function serveRecord(ctx: AppContext, options: ViewOptions, signal: AbortSignal) {
  const { timeline } = options;
  const text = pathParam(ctx, "seq");
  const bounds = timeline.bounds();
  const seq = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (seq === 0) throw badParameter("seq", text, "a record's number");
  if (seq < bounds.firstSeq || seq > bounds.lastSeq)
    throw new Problem(404, "unknown-record", outOfBounds("seq", `record ${seq}`, bounds).message);
  const { seen, chain } = await timeline.record(seq, param(ctx, "actor") || undefined, signal);
  answerInPieces(ctx, recordAnswerText(seen, chain, options));
}

async function* recordAnswerText(
  seen: Seen,
  chain: Chain,
  { pause }: ViewOptions,
): AsyncGenerator<string> {
  yield `{"record":`;
  yield* recordText(seen, pause);
  const rest: Omit<RecordAnswer, "record"> = {
    chain: chain.links.map(({ atMs, ...link }) => ({ ...link, at: instant(atMs) })),
    chain_missing: chain.missing,
    log: logLinesOf(seen),
  };
  yield `,${wireJson(rest).slice(1)}\n`;
}

async function serveActor(ctx: AppContext, options: ViewOptions, signal: AbortSignal) {
  const { timeline } = options;
  const id = pathParam(ctx, "id");
  const bounds = timeline.bounds();
  const at = seqParam(ctx, "at", options);
  const seq = at ?? bounds.lastSeq;
  const state = await timeline.actor(id, seq, signal);
  if (state) {
    const live = at === undefined ? presentOf(state, options) : undefined;
    return answer(ctx, 200, actorView(state, bounds, live));
  }
  throw new Problem(404, "unknown-subject", `at record ${seq} nobody is called ${id}`);
}

/** What the dispatcher knows of the actor beside its state; undefined for a journal file, which has no present. */
function presentOf({ actor: { kind, id } }: ActorState, { live, nowMs }: ViewOptions) {
  if (!live) return undefined;
  return {
    nowMs: nowMs(),
    lastGoodProbeAtMs: kind === "worker" ? live.lastGoodProbeAtMs(id) : null,
  };
}

async function serveHistory(ctx: AppContext, options: ViewOptions, signal: AbortSignal) {
  const { timeline } = options;
  const id = pathParam(ctx, "id");
  const noise = countParam(ctx, "noise", { absent: 0, min: 0, max: 1 });
  const range = {
    fromSeq: seqParam(ctx, "from", options),
    toSeq: seqParam(ctx, "to", options),
    keepNoise: noise === 1,
  };
  const history = await timeline.history(id, range, signal);
  if (history) return answer(ctx, 200, historyView(history));
  throw new Problem(404, "unknown-subject", `the journal names no container and no instance ${id}`);
}

async function serveTimeline(ctx: AppContext, options: ViewOptions, signal: AbortSignal) {
  const { timeline, nowMs } = options;
  const bounds = timeline.bounds();
  const binsCount = countParam(ctx, "bins", BINS);
  const timeOf = (name: string, absent: number): number => {
    const moment = momentParam(ctx, name);
    if (!moment) return absent;
    if ("atMs" in moment) return timeline.toldMoment(moment.atMs, nowMs());
    return timeline.timeOf(seqParam(ctx, name, options) ?? 0);
  };
  const fromMs = Math.floor(timeOf("from", bounds.firstAtMs ?? nowMs()));
  const toMs = Math.ceil(timeOf("to", bounds.lastAtMs ?? nowMs()));
  if (toMs < fromMs) throw badParameter("to", instant(toMs), `a time after ${instant(fromMs)}`);
  const lanes = await timeline.lanes({ fromMs, toMs, binsCount }, signal);
  answer(ctx, 200, lanesView({ fromMs, toMs }, lanes));
}

function pathParam(ctx: AppContext, name: string): string {
  return (ctx as { params?: Record<string, string> }).params?.[name] ?? "";
}
