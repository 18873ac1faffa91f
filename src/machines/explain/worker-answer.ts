import type { WorkerSnapshot } from "../worker/worker.machine.ts";
import { refusalText } from "./refusal-text.ts";
import { formatSpan } from "../model/amounts.ts";
import type { Answer, Because, Step, WorkerExplanation } from "./explanation.ts";
import { namedContainer } from "./names.ts";
import { sweeps, sweepText } from "./sweep.ts";

type Facts = Omit<WorkerExplanation, "answer">;

/** The first lines of an explanation: what is the case with an instance, and why. */
export function answerForWorker(facts: Facts, snapshot: WorkerSnapshot): Answer {
  if (!facts.known) return gone(facts);
  if (facts.lifecycle === "shutdown") return ending(facts, snapshot);
  return kept(facts, snapshot);
}

function gone(facts: Facts): Answer {
  const { shutdown, destroys, instanceId } = facts;
  const because: Because[] = [];
  if (shutdown) because.push(chain(shutdown.step), destroyed(facts));
  if (facts.gone) because.push(at(`gone: ${facts.gone.reason}`, facts.gone));
  because.push(...origin(facts), ...boot(facts));
  const text = shutdown
    ? `was destroyed: ${shutdown.reason}`
    : instanceId === ""
      ? `never came to be: ${facts.gone?.reason ?? ""}`
      : destroys.length === 0
        ? "disappeared from the cloud, and nobody here asked for it"
        : "is gone";
  return { text, sinceMs: facts.gone?.atMs ?? null, untilMs: null, because };
}

function ending(facts: Facts, { context }: WorkerSnapshot): Answer {
  const { shutdown } = facts;
  const because: Because[] = shutdown ? [chain(shutdown.step)] : [];
  because.push(destroyed(facts), ...refusals(facts, context), ...origin(facts));
  return {
    text: `is being destroyed: ${context.shutdownReason}`,
    sinceMs: context.destroyedAtMs,
    untilMs: null,
    because,
  };
}

function kept(facts: Facts, { value, context }: WorkerSnapshot): Answer {
  const { idleBehavior } = value;
  const because: Because[] = [];
  const span = facts.life.at(-1);
  if (idleBehavior !== "run") {
    const why = context.behaviorReason || "so it was tagged";
    because.push(plain(`idle behaviour is ${idleBehavior}: ${why}`));
  }
  const busy = facts.runs.filter(({ toSeq }) => toSeq === null);
  for (const run of busy) {
    const killing = run.kill ? `, ${killingText(run.kill.reason)}` : "";
    const said = { seq: run.fromSeq, atMs: run.fromAtMs };
    because.push(at(`runs ${namedContainer(run.containerId, run.containerName)}${killing}`, said));
  }
  const boots = boot(facts);
  if (context.lastError !== "" && boots.length === 0)
    because.push(plain(`last error: ${context.lastError}`));
  because.push(...boots, ...refusals(facts, context), ...origin(facts));
  const { text, untilMs } = why(facts, { value, context } as WorkerSnapshot, busy.length);
  return { text, sinceMs: span?.fromAtMs ?? null, untilMs, because };
}

function why(
  facts: Facts,
  { value, context }: WorkerSnapshot,
  busyCount: number,
): { text: string; untilMs: number | null } {
  const held = value.idleBehavior === "hold";
  switch (value.lifecycle) {
    case "creating":
      return context.createOpen
        ? { text: "is being created: the cloud has not answered yet", untilMs: null }
        : {
            text: "may have been created: the cloud's answer was lost, and its lists have to tell, for TimeoutBooting at least",
            untilMs: null,
          };
    case "unknown":
      return {
        text: `is kept: it may be running something, ${
          (context.startsUntilMs ?? null) === null
            ? "no probe has told yet"
            : "or a start of an earlier run may turn up: no probe since then has told yet"
        }`,
        untilMs: held || busyCount > 0 ? null : context.unknownDeadlineAtMs,
      };
    case "booting":
      return {
        text: `is kept: it boots${held ? " and is on hold" : ", for TimeoutBooting at most"}`,
        untilMs: null,
      };
    case "running":
      return {
        text: `is kept: it runs ${busyCount} container${busyCount === 1 ? "" : "s"}`,
        untilMs: null,
      };
    case "idle":
      return held
        ? { text: "is kept: it is idle, and on hold", untilMs: null }
        : {
            text: "is kept: it is idle, for TimeoutIdle at most",
            untilMs: context.idleDeadlineAtMs,
          };
    case "shutdown":
    case "gone":
      return { text: `is ${facts.lifecycle}`, untilMs: null };
  }
}

/** The step that ended it, as a chain: fact → guard → decision → command. */
function chain(step: Step): Because {
  const { fact, transitions, decisions, commands } = step;
  const taken = transitions.find(({ to }) => to.endsWith(".shutdown"));
  const parts = [
    fact.text,
    ...decisions.map(({ do: done, reason }) => `decided to ${done}: ${reason}`),
    taken?.guard ?? "",
    taken ? `${last(taken.from)} ⇒ ${last(taken.to)}` : "",
    ...commands.map(({ kind }) => kind),
  ];
  return at(parts.filter((part) => part !== "").join(" → "), step);
}

function last(stateId: string): string {
  return stateId.slice(stateId.lastIndexOf(".") + 1);
}

function destroyed({ destroys, gone }: Facts): Because {
  const failed = destroys.findLast(({ outcome }) => outcome?.ok === false)?.outcome;
  const times = destroys.length === 1 ? "once" : `${destroys.length} times`;
  const still = gone ? "" : "; the cloud still lists it, or has not been asked since";
  const said = failed ? `; a destroy failed: ${failed.text}` : "";
  const newest = destroys.at(-1);
  const text = `the cloud was asked ${times} to destroy it${said}${still}`;
  return newest ? at(text, newest) : plain("the cloud was not asked to destroy it");
}

/** What the cloud would not do, with the next try. */
function refusals(
  { coverage: { asOfMs } }: Facts,
  { destroyRefused, destroyNextAtMs, tagsRefused }: WorkerSnapshot["context"],
): Because[] {
  const because: Because[] = [];
  if (destroyRefused) {
    const leftMs = (destroyNextAtMs ?? 0) - asOfMs;
    const next = leftMs > 0 ? `in ${formatSpan(leftMs)}, ` : "";
    because.push({
      text: `the cloud refused to destroy it, ${refusalText(destroyRefused, asOfMs)}; next try ${next}when a list still shows it`,
      seq: null,
      atMs: destroyRefused.sinceMs,
      untilMs: null,
    });
  }
  if (tagsRefused)
    because.push({
      text: `the cloud refused to save its tags, ${refusalText(tagsRefused, asOfMs)}; next try with the next list that shows other ones`,
      seq: null,
      atMs: tagsRefused.sinceMs,
      untilMs: null,
    });
  return because;
}

function origin({ created, found }: Facts): Because[] {
  if (created)
    return [
      at(
        `booted for ${namedContainer(created.containerId, created.containerName)}: ${created.reason}`,
        created,
      ),
    ];
  return found ? [at(`found: ${found.reason}`, found)] : [];
}

/** How far it came, where it did not come to its end well. */
function boot({ boot: { outcome, errors, readyAtMs } }: Facts): Because[] {
  const newest = errors.at(-1);
  if (readyAtMs !== null || !newest) return [];
  return [at(`boot${outcome ? ` (${outcome})` : ""}, last probe: ${newest.error}`, newest)];
}

function killingText(reason: string): string {
  return sweeps(reason) ? sweepText(reason) : `being killed: ${reason}`;
}

function plain(text: string): Because {
  return { text, seq: null, atMs: null, untilMs: null };
}

function at(text: string, { seq, atMs }: { seq: number; atMs: number }): Because {
  return { text, seq, atMs, untilMs: null };
}
