import { z } from "zod";
import { explanationWireSchema } from "./explain-wire.ts";
import {
  actionBodySchema,
  containerActionAnswerSchema,
  stopAnswerSchema,
  stopBodySchema,
  journalAcceptAnswerSchema,
  journalAcceptBodySchema,
  workerActionAnswerSchema,
} from "./wire/actions.ts";
import { actorAnswerSchema, historyAnswerSchema } from "./wire/actor.ts";
import { machinesAnswerSchema } from "./wire/chart.ts";
import { problemSchema } from "./wire/common.ts";
import { resetEventSchema, statusEventSchema } from "./wire/events.ts";
import { containersAnswerSchema } from "./wire/container.ts";
import { statusAnswerSchema } from "./wire/status.ts";
import { workersAnswerSchema } from "./wire/worker.ts";
import { recordAnswerSchema, recordsAnswerSchema, recordViewSchema } from "./wire/record.ts";
import { containerRecordStateSchema } from "./wire/container.ts";
import { stateAnswerSchema } from "./wire/state.ts";
import { timelineAnswerSchema } from "./wire/timeline.ts";

/** Schemas by the names that they have in the document. */
export const WIRE_SCHEMAS = {
  State: stateAnswerSchema,
  Status: statusAnswerSchema,
  Workers: workersAnswerSchema,
  Containers: containersAnswerSchema,
  Explanation: explanationWireSchema,
  Records: recordsAnswerSchema,
  Record: recordAnswerSchema,
  Actor: actorAnswerSchema,
  History: historyAnswerSchema,
  Timeline: timelineAnswerSchema,
  Machines: machinesAnswerSchema,
  RecordEvent: recordViewSchema,
  StatusEvent: statusEventSchema,
  ResetEvent: resetEventSchema,
  ActionBody: actionBodySchema,
  WorkerAction: workerActionAnswerSchema,
  ContainerAction: containerActionAnswerSchema,
  StopBody: stopBodySchema,
  Stop: stopAnswerSchema,
  JournalAcceptBody: journalAcceptBodySchema,
  JournalAccept: journalAcceptAnswerSchema,
  Problem: problemSchema,
} as const;

type SchemaName = keyof typeof WIRE_SCHEMAS;

interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
  readonly required: boolean;
  readonly description: string;
  readonly schema: object;
}

export interface Endpoint {
  readonly method: "get" | "post";
  /** Below `/dispatch/v1`. */
  readonly path: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  /** Of a POST. */
  readonly body?: SchemaName;
  readonly answer: SchemaName | "EventStream" | "OpenApi";
  readonly status: 200 | 202;
}

const text = { type: "string" } as const;
const count = { type: "integer", minimum: 0, maximum: 999_999_999_999_999 } as const;
const number = { ...count, minimum: 1 } as const;
/** For tools in any language: what `view-params.ts` takes; nothing is as good as absent. */
const moment = {
  type: "string",
  pattern:
    "^(|[0-9]{1,15}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}(:[0-9]{2}(\\.[0-9]{1,9})?)?([Zz]|[+-][0-9]{2}:[0-9]{2}))$",
} as const;
const query = (name: string, description: string, schema: object = text): Parameter => ({
  name,
  in: "query",
  required: false,
  description,
  schema,
});
const inPath = (
  name: string,
  description: string,
  schema: object = { type: "string", minLength: 1 },
): Parameter => ({
  name,
  in: "path",
  required: true,
  description,
  schema,
});

const MOMENT = "A record's number, or a time in RFC 3339";
const ACTOR_ID =
  "A worker's or an instance's id, a container's uuid, `supervisor`, `quota`, `throttle` or `capacity:KEY`; percent-encoded";

const CONTAINER_STATE = containerRecordStateSchema.options.join("|");
const WORKER_ACTIONS = ["hold", "drain", "run", "kill"] as const;
const CONTAINER_ACTIONS = ["kill", "cancel"] as const;

/** What the document tells of, and a test asks for. */
export const ENDPOINTS: readonly Endpoint[] = [
  view("/status", "All of the dispatcher on one screen", "Status", []),
  view("/workers", "All workers, oldest first", "Workers", []),
  view("/containers", "Containers, first in the scheduler's order", "Containers", [
    query("state", "Only those in these states, with commas between them; absent: all", {
      type: "string",
      pattern: `^(${CONTAINER_STATE})(,(${CONTAINER_STATE}))*$`,
    }),
  ]),
  view(
    "/explain/{id}",
    "Why a container waits, or a worker was made, kept or destroyed",
    "Explanation",
    [
      inPath("id", "A container's uuid, or a worker's or an instance's id; percent-encoded"),
      query("at", `${MOMENT}; absent: now`, moment),
    ],
  ),
  view("/state", "All actors at one moment", "State", [
    query("at", `${MOMENT}; absent: now`, moment),
  ]),
  {
    ...view("/events", "Durable records from one on, as server-sent events", "RecordEvent", [
      query("after", "The newest record that is known; absent: from now on", count),
      { ...query("Last-Event-ID", "The same, where `after` is absent", count), in: "header" },
    ]),
    answer: "EventStream",
  },
  view("/records", "Records with what they changed", "Records", [
    query("from", "The first record's number; absent: the first that is left", count),
    query("limit", "How many at most", { type: "integer", minimum: 1, maximum: 500 }),
  ]),
  view("/records/{seq}", "A record, what led to it, and what is logged of it", "Record", [
    inPath("seq", "The record's number", number),
    query("actor", "Whom the cause chain is to be about, where the record concerns several"),
  ]),
  view("/actors/{id}", "An actor at one moment", "Actor", [
    inPath("id", ACTOR_ID),
    query("at", `${MOMENT}; absent: now`, moment),
  ]),
  view("/actors/{id}/history", "The life of an actor, also of one that is gone", "History", [
    inPath("id", ACTOR_ID),
    query("from", MOMENT, moment),
    query("to", MOMENT, moment),
    query("noise", "1: with what only repeats or confirms", { type: "integer", enum: [0, 1] }),
  ]),
  view("/timeline", "All workers side by side, with cost", "Timeline", [
    query("from", MOMENT, moment),
    query("to", MOMENT, moment),
    query("bins", "Slices of the time", { type: "integer", minimum: 1, maximum: 2000 }),
  ]),
  view("/machines", "The state charts with their layout", "Machines", []),
  { ...view("/openapi.json", "This document", "State", []), answer: "OpenApi" },
  ...WORKER_ACTIONS.map((action) => ask("workers", action)),
  ...CONTAINER_ACTIONS.map((action) => ask("containers", action)),
  {
    ...view(
      "/stop",
      "Asks the daemon to end; with `drain` once everything has run out",
      "Stop",
      [],
    ),
    method: "post",
    body: "StopBody",
    status: 202,
  },
  {
    method: "post",
    path: "/journal/accept",
    summary: "Takes note of records that the journal lacks, which ends the alarm `journal-missing`",
    parameters: [],
    body: "JournalAcceptBody",
    answer: "JournalAccept",
    status: 200,
  },
];

function view(
  path: string,
  summary: string,
  answer: SchemaName,
  parameters: readonly Parameter[],
): Endpoint {
  return { method: "get", path, summary, parameters, answer, status: 200 };
}

function ask(what: "workers" | "containers", action: string): Endpoint {
  const isWorker = what === "workers";
  const id = isWorker ? "id" : "uuid";
  return {
    method: "post",
    path: `/${what}/{${id}}/${action}`,
    summary: `Asks to ${action} a ${isWorker ? "worker" : "container"}; answered once that is in the journal`,
    parameters: [inPath(id, isWorker ? "A worker's or an instance's id" : "The container's uuid")],
    body: "ActionBody",
    answer: isWorker ? "WorkerAction" : "ContainerAction",
    status: isWorker ? 200 : 202,
  };
}

/** An OpenAPI 3.1 document of all that stands below `/dispatch/v1`, made from the schemas. */
export function openApiDocument(version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const endpoint of ENDPOINTS)
    (paths[`/dispatch/v1${endpoint.path}`] ??= {})[endpoint.method] = operation(endpoint);
  return {
    openapi: "3.1.0",
    info: {
      title: "dispatch-cloud",
      version,
      description:
        "What is not Arvados' own. docs/http-api.md tells of all endpoints, and of what the members mean.",
    },
    security: [{ managementToken: [] }],
    paths,
    components: {
      securitySchemes: {
        managementToken: {
          type: "http",
          scheme: "bearer",
          description:
            "The ManagementToken. Neither the root token nor a runner's opens any of this.",
        },
      },
      schemas: componentSchemas(),
    },
  };
}

function componentSchemas(): object {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(WIRE_SCHEMAS)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    io: "input",
    override: ({ jsonSchema }) => plainTuple(jsonSchema),
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _schema, $id: _id, ...schema }]) => [id, schema]),
  );
}

/** Pairs as lists of two: not every tool reads `prefixItems`. */
function plainTuple(schema: z.core.JSONSchema.BaseSchema): void {
  const { prefixItems } = schema;
  const [first] = prefixItems ?? [];
  if (!prefixItems || first === undefined) return;
  const isUniform = prefixItems.every((item) => JSON.stringify(item) === JSON.stringify(first));
  if (!isUniform) throw new Error("a tuple whose members differ has no plain form");
  delete schema.prefixItems;
  Object.assign(schema, {
    items: first,
    minItems: prefixItems.length,
    maxItems: prefixItems.length,
  });
}

function operation(endpoint: Endpoint): object {
  const { summary, parameters, status, body } = endpoint;
  return {
    summary,
    parameters,
    ...(body ? { requestBody: { content: { "application/json": { schema: ref(body) } } } } : {}),
    responses: {
      [status]: { description: "Done", content: contentOf(endpoint) },
      default: {
        description: "What is wrong, in words",
        content: { "application/problem+json": { schema: ref("Problem") } },
      },
    },
  };
}

function contentOf({ answer }: Endpoint): object {
  if (answer === "OpenApi") return { "application/json": { schema: { type: "object" } } };
  if (answer !== "EventStream") return { "application/json": { schema: ref(answer) } };
  const description =
    "`event: record` with the record's number as `id`, `event: status` every few seconds, `event: reset` at the end of a " +
    "stream that cannot go on";
  const data = { oneOf: [ref("RecordEvent"), ref("StatusEvent"), ref("ResetEvent")] };
  return { "text/event-stream": { schema: { type: "string", description, "x-event-data": data } } };
}

function ref(name: SchemaName): object {
  return { $ref: `#/components/schemas/${name}` };
}
