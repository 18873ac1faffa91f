import { z } from "zod";
import { WAIT_REASONS } from "../model/decision.ts";
import { seqSchema } from "../model/ids.ts";

const instant = z.number();
const orNull = z.number().nullable();

/** From a record on, until before another one; null where it goes on. */
const period = {
  fromSeq: seqSchema,
  fromAtMs: instant,
  toSeq: seqSchema.nullable(),
  toAtMs: orNull,
};
export const periodSchema = z.object(period);
export type Period = z.infer<typeof periodSchema>;

/** How a command ended, where that is recorded. */
const outcomeSchema = z.object({
  seq: seqSchema,
  atMs: instant,
  ok: z.boolean(),
  /** What the other side said; "" where it said nothing. */
  text: z.string(),
});

const commandStepSchema = z.object({
  id: z.string(),
  kind: z.string(),
  subject: z.string(),
  outcome: outcomeSchema.nullable(),
});
export type CommandStep = z.infer<typeof commandStepSchema>;

const decisionStepSchema = z.object({ do: z.string(), subject: z.string(), reason: z.string() });
export type DecisionStep = z.infer<typeof decisionStepSchema>;

const transitionStepSchema = z.object({
  event: z.string(),
  /** "" where the chart asks for nothing. */
  guard: z.string(),
  from: z.string(),
  /** "" where the state stays and only what is remembered changes. */
  to: z.string(),
});

/** One record of the journal, as far as it concerns what is explained: fact → guard → decision → command. */
export const stepSchema = z.object({
  seq: seqSchema,
  atMs: instant,
  fact: z.object({ type: z.string(), text: z.string() }),
  decisions: z.array(decisionStepSchema),
  transitions: z.array(transitionStepSchema),
  commands: z.array(commandStepSchema),
});
export type Step = z.infer<typeof stepSchema>;

/** The answer in words, with what it rests on; instants stand apart, so that whoever shows them says how long ago. */
const answerSchema = z.object({
  text: z.string(),
  sinceMs: orNull,
  untilMs: orNull,
  because: z.array(
    z.object({ text: z.string(), seq: seqSchema.nullable(), atMs: orNull, untilMs: orNull }),
  ),
});
export type Answer = z.infer<typeof answerSchema>;
export type Because = Answer["because"][number];

/** Which part of which journal the explanation was read from. */
export const coverageSchema = z.object({
  journalId: z.string(),
  fromSeq: seqSchema,
  toSeq: seqSchema,
  /** The time up to which it holds. */
  asOfMs: instant,
  /** What could not be read, and the way to it; "" where nothing is missing. */
  missing: z.string(),
});
export type Coverage = z.infer<typeof coverageSchema>;

/** A process of a container on a worker. */
const runSchema = z.object({
  containerId: z.string(),
  /** "" where it is not known. */
  containerName: z.string(),
  workerId: z.string(),
  /** "" where the cloud has not named it. */
  instanceId: z.string(),
  instanceType: z.string(),
  /** The planner's; "" where it was found running. */
  startReason: z.string(),
  ...period,
  runningAtMs: orNull,
  kill: z
    .object({
      reason: z.string(),
      seq: seqSchema,
      atMs: instant,
      signals: z.int(),
      givenUp: z.boolean(),
    })
    .nullable(),
  /** What the start said, where it went wrong. */
  error: z.string(),
  /** Why its instance is being shut down; "" while it is not. */
  instanceShutdown: z.string(),
  /** Its worker went away with it. */
  lost: z.boolean(),
  /** How its end was noticed; "" while it goes on. */
  end: z.string(),
});
export type Run = z.infer<typeof runSchema>;

/** What held the dispatcher back while a container waited, as the machines had it. */
const limitSchema = z.object({
  limit: z.enum([
    "dispatcher",
    "quota",
    "maxInstances",
    "capacity",
    "throttle",
    "maxContainers",
    "supervisors",
    /** Our own call about the container that is in flight, or failed and waits for its next try. */
    "operation",
  ]),
  /** Of capacity: a provider type, a quota group or `*`. */
  key: z.string(),
  text: z.string(),
  untilMs: orNull,
});
export type Limit = z.infer<typeof limitSchema>;

const waitSchema = z.object({
  reason: z.enum(WAIT_REASONS),
  /** As users read it (specification §6.4), without the position, which is not recorded. */
  text: z.string(),
  ...period,
  limits: z.array(limitSchema.extend(period)),
});
export type Wait = z.infer<typeof waitSchema>;

/** An instance that was asked for with this container in mind, or that it may be waiting for. */
const bootingSchema = z.object({
  workerId: z.string(),
  instanceId: z.string(),
  instanceType: z.string(),
  state: z.string(),
  sinceMs: instant,
  /** Of the newest probe, or of the create. */
  lastError: z.string(),
  askedForIt: z.boolean(),
});

const endingSchema = z.object({
  /** `failed`: it did not end well, and nobody wanted that. */
  tone: z.enum(["ok", "failed", "cancelled", "unknown"]),
  /** Goes on after the container's name. */
  text: z.string(),
  exitCode: z.int().nullable(),
  seq: seqSchema,
  atMs: instant,
});

const explained = {
  answer: answerSchema,
  coverage: coverageSchema,
  steps: z.array(stepSchema),
  /** Left out between the oldest and the newest ones. */
  stepsOmitted: z.int(),
};

export const containerExplanationSchema = z.object({
  kind: z.literal("container"),
  containerId: z.string(),
  /** As its user named it; "" where that is not known. */
  name: z.string(),
  ...explained,
  /** Whether the dispatcher still knows it. */
  known: z.boolean(),
  record: z.string(),
  operation: z.string(),
  process: z.string(),
  /** How it ended; null while it has not. */
  end: endingSchema.nullable(),
  priority: z.string(),
  /** The priority as its user gave it, where that can be told; else the same. */
  givenPriority: z.string(),
  supervisor: z.boolean(),
  /** What its record asks for in bytes, without what the dispatcher adds; null where the record was never read. */
  asked: z.object({ vcpus: z.number(), ram: z.number() }).nullable(),
  firstSeenAtMs: instant,
  resources: z.object({
    vcpus: z.number(),
    ram: z.number(),
    scratch: z.number(),
    gpus: z.number(),
    gpuVram: z.number(),
  }),
  instanceTypes: z.array(z.string()),
  rejection: z.string(),
  /** Of one that no type fits: which comes nearest, and the numbers that miss; else "". */
  nearest: z.string(),
  /** The call that failed last, while it is not tried again yet. */
  retry: z.object({ atMs: instant, error: z.string(), failuresCount: z.int() }).nullable(),
  life: z.array(
    z.object({ record: z.string(), operation: z.string(), process: z.string(), ...period }),
  ),
  waits: z.array(waitSchema),
  runs: z.array(runSchema),
  booting: z.array(bootingSchema),
});
export type ContainerExplanation = z.infer<typeof containerExplanationSchema>;
export type Booting = ContainerExplanation["booting"][number];

const causeSchema = z.object({ seq: seqSchema, atMs: instant, reason: z.string() });

export const workerExplanationSchema = z.object({
  kind: z.literal("worker"),
  workerId: z.string(),
  instanceId: z.string(),
  ...explained,
  known: z.boolean(),
  instanceType: z.string(),
  providerType: z.string(),
  address: z.string(),
  lifecycle: z.string(),
  idleBehavior: z.string(),
  /** The planner's decision; null for an instance that was found in the cloud. */
  created: causeSchema.extend({ containerId: z.string(), containerName: z.string() }).nullable(),
  /** That it was found; null for one that was asked for. */
  found: causeSchema.nullable(),
  boot: z.object({
    askedForAtMs: instant,
    appearedAtMs: orNull,
    sshConnectedAtMs: orNull,
    readyAtMs: orNull,
    outcome: z.string(),
    /** What its probes said before it was ready, the newest last. */
    errors: z.array(z.object({ seq: seqSchema, atMs: instant, error: z.string() })),
  }),
  life: z.array(
    z.object({ lifecycle: z.string(), idleBehavior: z.string(), reason: z.string(), ...period }),
  ),
  runs: z.array(runSchema),
  shutdown: causeSchema.extend({ step: stepSchema }).nullable(),
  destroys: z.array(z.object({ seq: seqSchema, atMs: instant, outcome: outcomeSchema.nullable() })),
  gone: causeSchema.nullable(),
  cost: z.object({
    pricePerHour: z.number(),
    fromAtMs: orNull,
    toAtMs: orNull,
    /** Time × price, in the config's currency. */
    amount: z.number(),
  }),
});
export type WorkerExplanation = z.infer<typeof workerExplanationSchema>;

export const explanationSchema = z.discriminatedUnion("kind", [
  containerExplanationSchema,
  workerExplanationSchema,
]);
export type Explanation = z.infer<typeof explanationSchema>;
