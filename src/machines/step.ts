import type {
  AnyEventObject,
  AnyMachineSnapshot,
  AnyStateMachine,
  EventFromLogic,
  InputFrom,
  SnapshotFrom,
} from "xstate";
import { Chart } from "./chart/chart.ts";
import type { PreparedAction } from "./chart/move.ts";
import type { Transition } from "./chart/selector.ts";
import type { CommandDraft } from "./model/command.ts";
import type { Notice } from "./model/notice.ts";
import { namesOf } from "./transitions.ts";
import type { TransitionNames } from "./transitions.ts";

/** Which transition was taken, by names: what an explanation points at. */
export interface TakenTransition extends TransitionNames {
  readonly event: string;
}

export interface Step<M extends AnyStateMachine> {
  readonly snapshot: SnapshotFrom<M>;
  readonly commands: readonly CommandDraft[];
  readonly notices: readonly Notice[];
  readonly transitions: readonly TakenTransition[];
}

/**
 * Steps a machine: pure, so free to try. Returns the very same snapshot when nothing changed. XState's runtime takes what
 * `chart/` does not know, in a scope that is kept: the packaged `transition()` builds an actor per call.
 * Throws when a machine asks for any effect but a command or a notice: nothing else is journaled, so nothing else may
 * happen.
 */
export function step<M extends AnyStateMachine>(
  machine: M,
  snapshot: SnapshotFrom<M>,
  event: EventFromLogic<M>,
): Step<M> {
  return collect(
    () =>
      advance(machine, snapshot as AnyMachineSnapshot, event) ??
      machine.transition(snapshot as never, event, scope as never),
  );
}

export function start<M extends AnyStateMachine>(machine: M, input: InputFrom<M>): Step<M> {
  return collect(
    () => begin(machine, input) ?? machine.getInitialSnapshot(scope as never, input as never),
  );
}

/** A snapshot as plain data; `restore` gives it back. No machine here has children or history. */
export interface StoredSnapshot {
  readonly value: unknown;
  readonly context: unknown;
}

export function store(snapshot: AnyMachineSnapshot): StoredSnapshot {
  return { value: snapshot.value, context: snapshot.context as unknown };
}

export function restore<M extends AnyStateMachine>(
  machine: M,
  stored: StoredSnapshot,
): SnapshotFrom<M> {
  return machine.resolveState(stored as never) as SnapshotFrom<M>;
}

interface ExecutableAction {
  readonly type: string;
  readonly params: unknown;
}

interface InspectedMicrostep {
  readonly type: string;
  readonly event: { type: string };
  readonly _transitions?: readonly Transition[];
}

type Params = (args: object) => unknown;

let actions: ExecutableAction[] = [];
let taken: TakenTransition[] = [];
let microstepsCount = 0;

/** Of one event: a chart that goes in circles must not hang the daemon (XState's own limit is none). */
const MICROSTEPS_MAX = 100;

const refuse = (what: string) => (): never => {
  throw new Error(`a machine may only ask for commands and notices, not ${what}`);
};

const system = {
  _sendInspectionEvent(inspected: InspectedMicrostep): void {
    if (inspected.type !== "@xstate.microstep") return;
    if (++microstepsCount > MICROSTEPS_MAX) throw new Error("a machine goes in circles");
    for (const transition of inspected._transitions ?? [])
      taken.push({ event: inspected.event.type, ...namesOf(transition) });
  },
  _relay: refuse("a send"),
  _unregister: refuse("a child"),
  _register: refuse("a child"),
  _set: refuse("a child"),
  _bookId: refuse("a child"),
  scheduler: { schedule: refuse("a delay"), cancel: refuse("a delay") },
  get: () => undefined,
};

const spawn = refuse("a child");
const scope = {
  self: { id: "", sessionId: "", _parent: undefined, system },
  id: "",
  sessionId: "",
  system,
  defer: refuse("a deferred effect"),
  emit: refuse("an emitted event"),
  logger: refuse("a log line"),
  stopChild: refuse("a child"),
  actionExecutor(action: ExecutableAction): void {
    actions.push(action);
  },
};

const charts = new WeakMap<AnyStateMachine, Chart>();

function chartOf(machine: AnyStateMachine): Chart {
  let chart = charts.get(machine);
  if (!chart) charts.set(machine, (chart = new Chart(machine)));
  return chart;
}

/**
 * What XState's `transition()` comes to, at a fraction of its cost: which states a transition leaves and enters is worked
 * out once for all snapshots. Undefined where that cannot be: nothing has happened then.
 */
function advance(
  machine: AnyStateMachine,
  snapshot: AnyMachineSnapshot,
  event: AnyEventObject,
): AnyMachineSnapshot | undefined {
  const chart = chartOf(machine);
  const isActive = (snapshot.status as string) === "active";
  if (!chart.isPlain || !isActive || event.type.startsWith("xstate.")) return undefined;
  const transitions = chart.configurationOf(snapshot).select(snapshot, event);
  if (transitions.length === 0) return settle(chart, snapshot, event);
  const next = take(chart, snapshot, event, transitions);
  return next ? settle(chart, next, event) : forget();
}

/** As `advance`, for `getInitialSnapshot()`. */
function begin(machine: AnyStateMachine, input: unknown): AnyMachineSnapshot | undefined {
  const chart = chartOf(machine);
  if (!chart.first) return undefined;
  const event = { type: "xstate.init", input };
  const { context } = machine.config as { context?: unknown };
  const given: unknown =
    typeof context === "function"
      ? (context as Params)({ input, self: scope.self, spawn })
      : context;
  const first = perform(chart.first.actions, { ...(given as object) }, event);
  return settle(chart, { ...chart.first.to.template, context: first } as AnyMachineSnapshot, event);
}

/** Takes what needs no event, until nothing more does. */
function settle(
  chart: Chart,
  snapshot: AnyMachineSnapshot,
  event: AnyEventObject,
): AnyMachineSnapshot | undefined {
  for (let current = snapshot; ;) {
    const transitions = chart.configurationOf(current).selectEventless(current, event);
    if (transitions.length === 0) return current;
    const next = take(chart, current, event, transitions);
    if (!next) return forget();
    // What changed nothing would be taken for ever.
    if (next === current) return current;
    current = next;
  }
}

/** One microstep. */
function take(
  chart: Chart,
  snapshot: AnyMachineSnapshot,
  event: AnyEventObject,
  transitions: readonly Transition[],
): AnyMachineSnapshot | undefined {
  if (++microstepsCount > MICROSTEPS_MAX) throw new Error("a machine goes in circles");
  const from = chart.configurationOf(snapshot);
  const move = from.move(transitions);
  if (!move) return undefined;
  for (const transition of transitions) taken.push({ event: event.type, ...namesOf(transition) });
  const context = perform(move.actions, snapshot.context as object, event);
  if (move.to === from && context === snapshot.context) return snapshot;
  return { ...move.to.template, context } as AnyMachineSnapshot;
}

function forget(): undefined {
  actions = [];
  taken = [];
  microstepsCount = 0;
}

/** Answers the context as the actions leave it; what they ask for is collected. */
function perform(
  prepared: readonly PreparedAction[],
  before: object,
  event: AnyEventObject,
): object {
  let context = before;
  for (const { type, params, assign } of prepared) {
    const args = { context, event, self: scope.self, system, spawn };
    const given: unknown = typeof params === "function" ? (params as Params)(args) : params;
    if (assign) context = assign(context, args, given);
    else actions.push({ type, params: given });
  }
  return context;
}

function collect<M extends AnyStateMachine>(run: () => unknown): Step<M> {
  forget();
  const snapshot = run() as AnyMachineSnapshot;
  if (snapshot.status === "error") throw snapshot.error;
  if (Object.keys(snapshot.children as object).length > 0) refuse("a child")();
  const commands: CommandDraft[] = [];
  const notices: Notice[] = [];
  for (const { type, params } of actions) {
    if (type === "commands" && Array.isArray(params)) commands.push(...(params as CommandDraft[]));
    else if (type === "notices" && Array.isArray(params)) notices.push(...(params as Notice[]));
    // An undelayed one has been taken within this very step.
    else if (type !== "xstate.raise" || isDelayed(params)) refuse(type)();
  }
  return { snapshot: snapshot as SnapshotFrom<M>, commands, notices, transitions: taken };
}

function isDelayed(params: unknown): boolean {
  return (params as { delay?: unknown }).delay !== undefined;
}
