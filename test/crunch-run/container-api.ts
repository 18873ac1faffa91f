import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export const TOKEN = "v2/zzzzz-gj3su-000000000000000/secretsecretsecret";
/** Of the runner of one attempt at a container (docs/http-api.md: tokens of runners). */
export const attemptToken = (uuid: string): string => `v2/${uuid}-1/${"5ec2e7".repeat(11)}`;
const TOKEN_UUID = "zzzzz-gj3su-000000000000000";

export type ContainerJson = Record<string, unknown> & { uuid: string; state: string };

const MOVES: Readonly<Record<string, readonly string[]>> = {
  Queued: ["Locked", "Cancelled"],
  Locked: ["Queued", "Running", "Cancelled"],
  Running: ["Complete", "Cancelled"],
  Complete: ["Cancelled"],
  Cancelled: [],
};

/** The part of a controller that a runner talks to, with the record rules of specification §3. */
export interface ContainerApi {
  /** For ARVADOS_API_HOST. */
  readonly host: string;
  readonly record: ContainerJson;
  /** Attributes of each accepted update, in order. */
  readonly updates: Record<string, unknown>[];
  /** Called before each request is looked at; a number is answered as that status instead. */
  intercept: (method: string, path: string) => number | undefined;
  /** `--stdin-config` for this API. */
  stdinConfig(env?: Readonly<Record<string, string>>): string;
  close(): Promise<void>;
}

export async function openContainerApi(
  uuid: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<ContainerApi> {
  const record: ContainerJson = {
    uuid,
    state: "Locked",
    locked_by_uuid: TOKEN_UUID,
    priority: 1,
    cwd: ".",
    environment: {},
    scheduling_parameters: {},
    runtime_status: {},
    mounts: {},
    ...fields,
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const api: ContainerApi = {
    host: `http://127.0.0.1:${port}`,
    record,
    updates: [],
    intercept: () => undefined,
    stdinConfig: (env = {}) =>
      JSON.stringify({
        Env: { ARVADOS_API_HOST: api.host, ARVADOS_API_TOKEN: TOKEN, ...env },
        KeepBuffers: 0,
        EC2SpotCheck: false,
        Cluster: null,
      }),
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const chunk of request) body += String(chunk);
    const { pathname } = new URL(request.url ?? "", "http://x");
    const method = request.method ?? "";
    const isBrought = (token: string) => request.headers.authorization === `Bearer ${token}`;
    const instead = api.intercept(method, pathname);
    const [status, json] = instead
      ? [instead, { errors: ["intercepted"] }]
      : ![TOKEN, attemptToken(uuid)].some(isBrought)
        ? [401, { errors: ["Not logged in"] }]
        : answer(method, pathname, new URLSearchParams(body));
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
  }

  function answer(method: string, path: string, form: URLSearchParams): [number, object] {
    const own = `/arvados/v1/containers/${uuid}`;
    if (path === "/arvados/v1/api_client_authorizations/current")
      return [200, { uuid: TOKEN_UUID }];
    if (path === own && method === "GET") return [200, record];
    if (path === `${own}/unlock` && method === "POST") return update({ state: "Queued" });
    if (path === own && method === "PUT") {
      return update(JSON.parse(form.get("container") ?? "{}") as Record<string, unknown>);
    }
    return [404, { errors: ["Path not found"] }];
  }

  function update(changes: Record<string, unknown>): [number, object] {
    const state = changes["state"] as string | undefined;
    if (state !== undefined && state !== record.state) {
      if (!MOVES[record.state]?.includes(state)) {
        return [422, { errors: [`State cannot change from ${record.state} to ${state}`] }];
      }
    }
    if (changes["runtime_status"] && !["Locked", "Running"].includes(record.state)) {
      return [422, { errors: ["runtime_status cannot be modified in this state"] }];
    }
    Object.assign(record, changes);
    if (state === "Queued") record["locked_by_uuid"] = null;
    api.updates.push(changes);
    return [200, { uuid }];
  }

  return api;
}
