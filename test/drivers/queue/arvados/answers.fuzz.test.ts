import fc from "fast-check";
import { expect, it, onTestFinished } from "vitest";
import { makeArvadosQueue } from "../../../../src/drivers/queue/arvados/queue.ts";
import { QueueError, type QueuePoll } from "../../../../src/drivers/queue/port.ts";
import {
  containerRecordSchema,
  containerStateSchema,
  prioritySchema,
} from "../../../../src/machines/model/fact.ts";
import { containerId } from "../../../support/containers.ts";
import { makeClient, serve, TOKEN } from "../serve.ts";

const AUTH = "/arvados/v1/api_client_authorizations/current";
const OPEN = [containerId(1)];

interface Answer {
  readonly status: number;
  readonly body: string | Uint8Array;
}

/** A queue at a controller that gives `answers` one after another, the last one for ever. */
async function openQueue() {
  let answers: readonly Answer[] = [];
  let asked = 0;
  const served = await serve((request, response) => {
    request.resume();
    if (request.url === AUTH) return void response.end('{"uuid":"zzzzz-gj3su-000000000000000"}');
    const answer = answers[Math.min(asked++, answers.length - 1)];
    response.writeHead(answer?.status ?? 500).end(answer?.body);
  });
  // It is slow to ask again after a 503, as it should be; not for this test.
  let nowMs = 0;
  const client = makeClient(served.baseUrl, { nowMs: () => (nowMs += 2_000) });
  onTestFinished(async () => {
    client.close();
    await served.close();
  });
  return {
    queue: makeArvadosQueue({ client }),
    answer(given: readonly Answer[]) {
      answers = given;
      asked = 0;
    },
    asked: () => asked,
  };
}

const signal = new AbortController().signal;

/** What a call came to, or undefined for a failure in the words of the port. */
async function attempt<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    expect(error).toBeInstanceOf(QueueError);
    expect((error as QueueError).failure.message).not.toBe("");
    expect((error as QueueError).failure.message).not.toContain(TOKEN);
    return undefined;
  }
}

function expectValid({ entries, deleted, rejected, namelessRows }: QueuePoll): void {
  for (const [id, record] of entries) {
    expect(id).toMatch(/^[a-z0-9]{5}-dz642-[a-z0-9]{15}$/);
    expect(containerRecordSchema.safeParse(record).error).toBeUndefined();
    expect(rejected.has(id)).toBe(false);
  }
  for (const { state, error } of rejected.values()) {
    expect(state === null || containerStateSchema.safeParse(state).success).toBe(true);
    expect(error).toMatch(/^cannot read the container record: \S/);
  }
  expect([...deleted].filter((id) => id !== OPEN[0])).toEqual([]);
  expect(namelessRows).toBeGreaterThanOrEqual(0);
}

const ROW: Record<string, unknown> = {
  uuid: containerId(1),
  state: "Queued",
  priority: 500,
  container_image: "image",
  created_at: "2026-01-02T03:04:05Z",
  runtime_constraints: { vcpus: 1, ram: 1, keep_cache_ram: 0, keep_cache_disk: 0, gpu: null },
  scheduling_parameters: { supervisor: false, preemptible: false },
};
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    -1,
    0.5,
    1e300,
    "9".repeat(40),
    "-0",
    "2026-13-99",
    "Locked",
    "NaN",
    {},
    [],
    "\0",
  ),
);
/** A row with any value in the place of one of its members, or of one below. */
const row = fc.oneof(
  value,
  fc.integer({ min: 1, max: 9 }).map((at) => ({ ...ROW, uuid: containerId(at) })),
  fc.tuple(fc.constantFrom(...Object.keys(ROW)), value).map(([key, given]) => ({
    ...ROW,
    [key]: given,
  })),
  fc.tuple(fc.constantFrom("vcpus", "ram", "gpu"), value).map(([key, given]) => ({
    ...ROW,
    runtime_constraints: { ...(ROW["runtime_constraints"] as object), [key]: given },
  })),
);
const list = fc.oneof(
  { arbitrary: fc.array(row, { maxLength: 6 }).map((items) => ({ items })), weight: 4 },
  { arbitrary: value, weight: 1 },
  { arbitrary: value.map((items) => ({ items })), weight: 1 },
);
const json = (of: fc.Arbitrary<unknown>): fc.Arbitrary<Answer> =>
  of.map((body) => ({ status: 200, body: JSON.stringify(body) }));
const status = fc.constantFrom(200, 200, 204, 302, 401, 403, 404, 422, 429, 500, 502, 503);
const bytes = fc.record({ status, body: fc.uint8Array({ maxLength: 200 }) });
const errors = fc.record({ status, body: value.map((all) => JSON.stringify({ errors: all })) });

const EMPTY: Answer = { status: 200, body: '{"items":[]}' };

it("a poll gives valid rows or an error of the port, whatever the controller answers", async () => {
  const { queue, answer, asked } = await openQueue();
  const answers = fc.array(fc.oneof(json(list), json(list), bytes, errors), { maxLength: 4 });
  let polls = 0;
  await fc.assert(
    fc.asyncProperty(answers, async (given) => {
      answer([...given, EMPTY]);
      const poll = await attempt(queue.poll(OPEN, signal));
      // A list that never ends, or one that goes in circles, would keep it asking.
      expect(asked()).toBeLessThan(given.length + 8);
      if (!poll) return;
      polls += 1;
      expectValid(poll);
    }),
    { numRuns: 120 },
  );
  expect(polls).toBeGreaterThan(10);
});

it("an operation gives a state and a priority or an error of the port", async () => {
  const { queue, answer } = await openQueue();
  const record = fc.oneof(
    value,
    row,
    value.map((mounts) => ({ mounts })),
  );
  const answers = fc.array(fc.oneof(json(record), json(record), bytes, errors), {
    minLength: 1,
    maxLength: 3,
  });
  const id = containerId(1);
  await fc.assert(
    fc.asyncProperty(answers, async (given) => {
      for (const call of [
        () => queue.lock(id, signal),
        () => queue.unlock(id, signal),
        () => queue.cancel(id, undefined, signal),
        () => queue.cancel(id, "no such type", signal),
      ]) {
        answer(given);
        const result = await attempt(call());
        if (!result) continue;
        expect(containerStateSchema.safeParse(result.state).success).toBe(true);
        expect(prioritySchema.nullable().safeParse(result.priority).success).toBe(true);
      }
      answer(given);
      const size = await attempt(queue.tmpMounts(id, signal));
      expect(size === undefined || (Number.isInteger(size) && size >= 0)).toBe(true);
    }),
    { numRuns: 50 },
  );
});
