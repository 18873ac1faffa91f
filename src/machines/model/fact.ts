import { z } from "zod";
import { idleBehaviorSchema } from "./command.ts";
import {
  ACTOR_KINDS,
  commandIdSchema,
  containerIdSchema,
  seqSchema,
  workerIdSchema,
} from "./ids.ts";
import { paceSchema, settingsSchema } from "./settings.ts";

export const containerStateSchema = z.enum([
  "Queued",
  "Locked",
  "Running",
  "Complete",
  "Cancelled",
]);
export type ContainerState = z.infer<typeof containerStateSchema>;

/** Decimal digits: priorities exceed 2^53. Compared as bigint. */
export const prioritySchema = z.string().regex(/^-?\d{1,30}$/);

/** What went wrong outside, by a closed set of codes; `message` is cut and redacted by the effect that made it. */
export const failureSchema = z.object({
  code: z.enum([
    "aborted",
    "capacity",
    "notFound",
    "other",
    "quota",
    "rateLimited",
    "refused",
    "timeout",
    "unauthorized",
    "unavailable",
  ]),
  message: z.string(),
  /** Of a capacity failure: what it concerns (specification §9.1). */
  scope: z.enum(["type", "quotaGroup", "all"]).optional(),
  /** Of a rate limit: when to try again. */
  retryAtMs: z.number().optional(),
});
export type Failure = z.infer<typeof failureSchema>;

/** How a container ended, as its record has it. Texts are cut and redacted by the feed; nothing is decided by them. */
export const containerEndSchema = z.object({
  /** Null where the command has none. */
  exitCode: z.int().nullable(),
  /** `runtime_status.error` and `.warning`; "" for none. */
  error: z.string(),
  warning: z.string(),
});
export type ContainerEnd = z.infer<typeof containerEndSchema>;

/** The part of a container record that the core reads (specification §4.1). Sizes are bytes. */
export const containerRecordSchema = z.object({
  state: containerStateSchema,
  priority: prioritySchema,
  /** As its user named it, where the queue tells; for people only. */
  name: z.string().optional(),
  createdAtMs: z.number(),
  supervisor: z.boolean(),
  preemptible: z.boolean(),
  containerImage: z.string(),
  vcpus: z.number(),
  ram: z.number(),
  keepCacheRam: z.number(),
  keepCacheDisk: z.number(),
  /** Sum of the capacities of the mounts of kind `tmp`. */
  tmpMounts: z.number(),
  gpu: z
    .object({
      stack: z.string(),
      driverVersion: z.string(),
      hardwareTarget: z.array(z.string()),
      deviceCount: z.number(),
      vram: z.number(),
    })
    .nullable(),
});
export type ContainerRecord = z.infer<typeof containerRecordSchema>;

const base = { atMs: z.number() };
const worker = { ...base, workerId: workerIdSchema };
const container = { ...base, containerId: containerIdSchema };
const outcome = { ...base, commandId: commandIdSchema };
/** The newest `seq` when the observation began: what changed since is not judged by it. */
const basedOn = { basedOnSeq: seqSchema };
const operation = z.enum(["lock", "unlock", "cancel"]);
const asked = { reason: z.string() };
/** Of a worker that names more processes than it may: how many. `containerIds` then are those of them that are known. */
const overlong = { reportedCount: z.int().optional() };

/** The wall clock was set back between two runs. Instants are in the time of the runs before. */
const setBackSchema = z.object({
  /** The journal's time until then. */
  fromMs: z.number(),
  /** When the last run started: what is older was told by another clock. */
  sinceMs: z.number(),
});
export type SetBack = z.infer<typeof setBackSchema>;

/** What happened outside. Nothing else enters the core. Names are `subject.pastParticiple`. */
export const factSchema = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("daemon.started"),
    ...base,
    version: z.string(),
    journalId: z.string(),
    /** With it, and with nothing else, the journal's time goes back: to `atMs`. */
    setBack: setBackSchema.optional(),
  }),
  z.object({
    type: z.literal("config.loaded"),
    ...base,
    hash: z.string(),
    settings: settingsSchema,
    pace: paceSchema.optional(),
  }),
  z.object({ type: z.literal("lease.acquired"), ...base }),
  z.object({ type: z.literal("stop.requested"), ...base, drain: z.boolean(), ...asked }),

  z.object({
    type: z.literal("instance.seen"),
    ...base,
    ...basedOn,
    instanceId: z.string().min(1),
    /** The create command whose secret the instance carries, if one of ours is known. */
    createdBy: commandIdSchema.nullable(),
    address: z.string(),
    /** Tags as listed; what is missing or unknown is "". */
    instanceType: z.string(),
    providerType: z.string(),
    idleBehavior: z.union([idleBehaviorSchema, z.literal("")]),
  }),
  z.object({
    type: z.literal("instance.missing"),
    ...worker,
    ...basedOn,
    listStartedAtMs: z.number(),
    lastGoodProbeAtMs: z.number(),
  }),
  z.object({
    type: z.literal("instances.listed"),
    ...base,
    ...basedOn,
    listStartedAtMs: z.number(),
    instancesCount: z.int(),
  }),
  z.object({
    type: z.literal("create.succeeded"),
    ...outcome,
    workerId: workerIdSchema,
    instanceId: z.string().min(1),
    address: z.string(),
  }),
  z.object({
    type: z.literal("create.failed"),
    ...outcome,
    workerId: workerIdSchema,
    failure: failureSchema,
  }),
  z.object({ type: z.literal("destroy.accepted"), ...outcome, workerId: workerIdSchema }),
  z.object({
    type: z.literal("destroy.failed"),
    ...outcome,
    workerId: workerIdSchema,
    failure: failureSchema,
  }),
  z.object({ type: z.literal("tags.saved"), ...outcome, workerId: workerIdSchema }),
  z.object({
    type: z.literal("tags.failed"),
    ...outcome,
    workerId: workerIdSchema,
    failure: failureSchema,
  }),

  z.object({ type: z.literal("ssh.connected"), ...worker }),
  z.object({
    type: z.literal("probe.succeeded"),
    ...worker,
    ...basedOn,
    startedAtMs: z.number(),
    booted: z.boolean(),
    /** Containers that `crunch-run --list` names, in order of id. */
    containerIds: z.array(containerIdSchema),
    broken: z.boolean(),
    /** A lock whose process is gone but is still held (specification §7.8). */
    stale: z.boolean(),
    /** What the boot probe said, where the worker has not booted yet. */
    bootError: z.string(),
    ...overlong,
  }),
  z.object({
    type: z.literal("probe.failed"),
    ...worker,
    ...basedOn,
    startedAtMs: z.number(),
    lastGoodProbeAtMs: z.number(),
    booted: z.boolean(),
    broken: z.boolean(),
    error: z.string(),
    ...overlong,
  }),
  z.object({
    type: z.literal("start.returned"),
    ...outcome,
    workerId: workerIdSchema,
    containerId: containerIdSchema,
    /** `unknown`: the command may or may not have run (lost connection, time-out). */
    outcome: z.enum(["started", "failed", "unknown"]),
    error: z.string(),
  }),
  z.object({
    type: z.literal("kill.returned"),
    ...outcome,
    workerId: workerIdSchema,
    containerId: containerIdSchema,
    /** The process is gone, or never existed. */
    gone: z.boolean(),
    error: z.string(),
  }),

  z.object({
    type: z.literal("container.added"),
    ...container,
    ...basedOn,
    record: containerRecordSchema,
  }),
  z.object({
    type: z.literal("container.changed"),
    ...container,
    ...basedOn,
    state: containerStateSchema,
    priority: prioritySchema,
    /** Of one that has ended, where the queue tells. */
    end: containerEndSchema.optional(),
  }),
  z.object({ type: z.literal("container.missing"), ...container, ...basedOn }),
  /** The record cannot be read at all (specification §4.4): it is cancelled with the error. */
  z.object({
    type: z.literal("container.rejected"),
    ...container,
    ...basedOn,
    state: containerStateSchema,
    error: z.string(),
  }),
  z.object({ type: z.literal("queue.polled"), ...base, ...basedOn, startedAtMs: z.number() }),
  z.object({
    type: z.literal("operation.succeeded"),
    ...outcome,
    containerId: containerIdSchema,
    operation,
    state: containerStateSchema,
    priority: prioritySchema.nullable(),
  }),
  z.object({
    type: z.literal("operation.failed"),
    ...outcome,
    containerId: containerIdSchema,
    operation,
    failure: failureSchema,
  }),

  z.object({
    type: z.literal("clock.ticked"),
    ...base,
    actorKind: z.enum(ACTOR_KINDS),
    actorId: z.string(),
    /** Of a worker; null: it has not answered this run. */
    lastGoodProbeAtMs: z.number().nullable(),
  }),
  z.object({
    type: z.literal("planner.ran"),
    ...base,
    /** The newest `seq` when the newest complete poll began: the queue's threshold (specification §4.2). */
    polledSeq: seqSchema,
    /**
     * Before that poll began, every worker that may run what this run has not started had answered a probe that began at
     * this `seq` or later. Absent in journals of an earlier version.
     */
    answeredSeq: seqSchema.optional(),
    /** When the API last answered 503. */
    seen503AtMs: z.number().nullable(),
  }),

  z.object({
    type: z.literal("behavior.requested"),
    ...worker,
    behavior: idleBehaviorSchema,
    ...asked,
  }),
  z.object({ type: z.literal("shutdown.requested"), ...worker, ...asked }),
  z.object({ type: z.literal("kill.requested"), ...container, ...asked }),
  z.object({ type: z.literal("cancel.requested"), ...container, ...asked }),
]);

export type Fact = z.infer<typeof factSchema>;
export type FactType = Fact["type"];
/** A fact as it is handed in: the supervisor says when. */
export type FactInput = Fact extends infer F ? (F extends Fact ? Omit<F, "atMs"> : never) : never;

export type FactOf<T extends FactType> = Extract<Fact, { type: T }>;
