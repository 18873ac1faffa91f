import type { Resource } from "./port.ts";

/** How an operand of a filter is read. */
export type AttributeKind = "text" | "integer" | "time";

export interface Attribute {
  /** What `json_object` takes. */
  readonly json: string;
  /** What may stand in a filter or an order; absent: neither. */
  readonly column?: string;
  readonly kind?: AttributeKind;
  /** Arvados has none such: it is answered to those only who select it. */
  readonly isOwn?: boolean;
}

export interface ResourceSchema {
  readonly from: string;
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly uuidColumn: string;
  readonly defaultOrder: readonly string[];
}

const column = (kind: AttributeKind, name: string): Attribute => ({
  json: name,
  column: name,
  kind,
});
const text = (name: string) => column("text", name);
const integer = (name: string) => column("integer", name);
const time = (name: string) => column("time", name);
const real = (name: string): Attribute => ({ json: name });
const json = (name: string): Attribute => ({ json: `json(${name})` });
const flag = (name: string): Attribute => ({ json: `json(iif(${name}, 'true', 'false'))` });
/** A field of Arvados' record that this queue has no use for. */
const constant = (sql: string): Attribute => ({ json: sql });
const NULL = constant("NULL");
const EMPTY_LIST = constant("json('[]')");
const EMPTY_OBJECT = constant("json('{}')");
const FALSE = constant("json('false')");

/** Of the container itself and, read through the join, of the request that made it. */
const shared = {
  command: json("c.command"),
  container_image: text("c.container_image"),
  cwd: text("c.cwd"),
  environment: json("c.environment"),
  mounts: json("c.mounts"),
  output_path: text("c.output_path"),
  output_glob: EMPTY_LIST,
  output_storage_classes: constant(`json('["default"]')`),
  runtime_constraints: json("c.runtime_constraints"),
  scheduling_parameters: json("c.scheduling_parameters"),
  published_ports: EMPTY_OBJECT,
  service: FALSE,
};

const container = {
  request_name: {
    json: "(SELECT name FROM container_requests WHERE container_uuid = c.uuid)",
    isOwn: true,
  } as Attribute,
  uuid: text("c.uuid"),
  kind: constant("'arvados#container'"),
  etag: constant("''"),
  created_at: time("c.created_at"),
  modified_at: time("c.modified_at"),
  modified_by_user_uuid: NULL,
  ...shared,
  state: text("c.state"),
  priority: integer("c.priority"),
  locked_by_uuid: text("c.locked_by_uuid"),
  lock_count: integer("c.lock_count"),
  auth_uuid: NULL,
  exit_code: integer("c.exit_code"),
  runtime_status: json("c.runtime_status"),
  started_at: time("c.started_at"),
  finished_at: time("c.finished_at"),
  output: text("c.output"),
  output_properties: json("c.output_properties"),
  log: text("c.log"),
  progress: real("c.progress"),
  cost: real("c.cost"),
  subrequests_cost: real("c.subrequests_cost"),
  gateway_address: text("c.gateway_address"),
  interactive_session_started: flag("c.interactive_session_started"),
  runtime_user_uuid: NULL,
  runtime_auth_scopes: EMPTY_LIST,
  runtime_token: NULL,
};

const request = {
  uuid: text("r.uuid"),
  kind: constant("'arvados#containerRequest'"),
  etag: constant("''"),
  created_at: time("r.created_at"),
  modified_at: time("r.modified_at"),
  modified_by_user_uuid: NULL,
  name: text("r.name"),
  description: text("r.description"),
  properties: json("r.properties"),
  state: text("r.state"),
  priority: integer("r.priority"),
  container_uuid: text("r.container_uuid"),
  container_count: constant("1"),
  container_count_max: constant("1"),
  use_existing: FALSE,
  ...shared,
  requesting_container_uuid: NULL,
  output_uuid: NULL,
  log_uuid: NULL,
  expires_at: NULL,
};

export const RESOURCES: Readonly<Record<Resource, ResourceSchema>> = {
  containers: {
    from: "containers c",
    attributes: new Map(Object.entries(container)),
    uuidColumn: "c.uuid",
    defaultOrder: ["c.modified_at DESC"],
  },
  container_requests: {
    from: "container_requests r JOIN containers c ON c.uuid = r.container_uuid",
    attributes: new Map(Object.entries(request)),
    uuidColumn: "r.uuid",
    defaultOrder: ["r.modified_at DESC"],
  },
};
