import type {
  AnyMachineSnapshot,
  AnyStateMachine,
  EventFromLogic,
  InputFrom,
  SnapshotFrom,
} from "xstate";
import type { CommandDraft } from "./model/command.ts";
import type { Notice } from "./model/notice.ts";
import { guardText } from "./transitions.ts";

/** Which transition was taken, by names: what an explanation points at. */
export interface TakenTransition {
  readonly event: string;
  readonly guard: string;
  readonly from: string;
  readonly to: string;
}

export interface Step<M extends AnyStateMachine> {
  readonly snapshot: SnapshotFrom<M>;
  readonly commands: readonly CommandDraft[];
  readonly notices: readonly Notice[];
  readonly transitions: readonly TakenTransition[];
}

/**
 * Steps a machine: pure, so free to try. Returns the very same snapshot when nothing changed. This file is the one seam
 * to XState's runtime: a kept scope costs a fifth of the packaged `transition()`, which builds an actor per call.
 * Throws when a machine asks for any effect but a command or a notice: nothing else is journaled, so nothing else may
 * happen.
 */
export function step<M extends AnyStateMachine>(
  machine: M,
  snapshot: SnapshotFrom<M>,
  event: EventFromLogic<M>,
): Step<M> {
  makeAssignsLean(machine);
  return collect(() => machine.transition(snapshot as never, event, scope as never));
}

export function start<M extends AnyStateMachine>(machine: M, input: InputFrom<M>): Step<M> {
  makeAssignsLean(machine);
  return collect(() => machine.getInitialSnapshot(scope as never, input as never));
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
  readonly _transitions?: readonly MicrostepTransition[];
}

interface MicrostepTransition {
  readonly source: { id: string };
  readonly target?: readonly { id: string }[];
  readonly guard?: unknown;
}

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
    for (const transition of inspected._transitions ?? []) {
      taken.push({
        event: inspected.event.type,
        guard: guardText(transition.guard),
        from: transition.source.id,
        to: transition.target?.map((node) => node.id).join(" ") ?? "",
      });
    }
  },
  _relay: refuse("a send"),
  _unregister: refuse("a child"),
  _register: refuse("a child"),
  _set: refuse("a child"),
  _bookId: refuse("a child"),
  scheduler: { schedule: refuse("a delay"), cancel: refuse("a delay") },
  get: () => undefined,
};

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

function collect<M extends AnyStateMachine>(run: () => unknown): Step<M> {
  actions = [];
  taken = [];
  microstepsCount = 0;
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

/** What `assign()` makes: XState calls `resolve` for the snapshot after it. */
interface AssignAction {
  readonly type: "xstate.assign";
  readonly assignment: unknown;
  resolve: typeof resolveAssign;
}

type Assigner = (args: unknown, params: unknown) => unknown;

const lean = new WeakSet<AnyStateMachine>();

/**
 * XState's own assign works out the state's value and tags anew, which an assign cannot change: half the time of a
 * worker's step (docs/performance.md). The outcome is the same.
 */
function makeAssignsLean(machine: AnyStateMachine): void {
  if (lean.has(machine)) return;
  lean.add(machine);
  const named = Object.values(machine.implementations.actions) as Partial<AssignAction>[];
  for (const action of named) if (action.type === "xstate.assign") action.resolve = resolveAssign;
}

function resolveAssign(
  _scope: unknown,
  snapshot: AnyMachineSnapshot,
  args: object,
  params: unknown,
  { assignment }: AssignAction,
): [AnyMachineSnapshot, undefined, undefined] {
  const given = { ...args, spawn: refuse("a child") };
  const context = { ...(snapshot.context as object), ...assigned(assignment, given, params) };
  return [{ ...snapshot, context } as AnyMachineSnapshot, undefined, undefined];
}

function assigned(assignment: unknown, args: object, params: unknown): object {
  const valueOf = (part: unknown): unknown =>
    typeof part === "function" ? (part as Assigner)(args, params) : part;
  if (typeof assignment === "function") return valueOf(assignment) as object;
  const parts = Object.entries(assignment as object);
  return Object.fromEntries(parts.map(([key, part]) => [key, valueOf(part)]));
}
