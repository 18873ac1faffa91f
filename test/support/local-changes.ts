import { expect } from "vitest";
import type { ContainerState } from "../../src/machines/model/fact.ts";
import type { Scenario } from "../drivers/scenarios.ts";
import { containerId } from "./containers.ts";
import { CoreBuilder } from "./core-builder.ts";
import { polling } from "./polling-feed.ts";

/*
 * The cases of the original's queue that are about its cache. Here the poller keeps none: what is known of a container is
 * in its machine.
 */

/** What we do while a poll is under way outlives the older things that it read. */
export async function localChange({ given, then }: Scenario): Promise<void> {
  const { sink, feed, state, record } = polling();
  const entriesOf = (rows: { uuid: string; state: ContainerState }[]) =>
    Object.fromEntries(rows.map(({ uuid, ...changes }) => [uuid, changes]));
  state.entries = entriesOf(given.cache);
  const { uuid } = given.cache[0];
  feed.start();
  await sink.advance(2_000);
  expect(record(uuid)).toBe(given.cache[0].state);
  state.entries = entriesOf(given.poll_result);
  // The second poll begins after a pause of ten seconds, and takes one.
  await sink.advance(9_500);
  const operation = given.during_poll.startsWith("Lock") ? "lock" : "unlock";
  sink.decide([{ do: operation, container: uuid, reason: "test" }]);
  void sink.submit({
    type: "operation.succeeded",
    commandId: "j1-1-1",
    containerId: uuid,
    operation,
    state: then.cached_state,
    priority: null,
  });
  await sink.advance(1_000);
  expect(sink.facts.filter(({ type }) => type === "queue.polled")).toHaveLength(2);
  expect(record(uuid)).toBe(then.cached_state);
  feed.stop();
}

export function lockOfUnknown({ given, then }: Scenario): void {
  const { sink } = polling();
  expect(given.cache).toEqual([]);
  void sink.submit({
    type: "operation.succeeded",
    commandId: "j1-1-1",
    containerId: containerId(1),
    operation: "lock",
    state: "Locked",
    priority: "1",
  });
  expect([...sink.known.entries("container")]).toEqual(then.cache);
}

/** Whether a pass lets go of it, with no worker that could run it. */
export function forgets({ given, then }: Scenario): void {
  const dropped = (given.entries as [ContainerState, number][]).map(([state, priority]) => {
    const builder = new CoreBuilder({ maxInstances: 0 }).dispatching();
    const id = containerId(1);
    builder.container(id, { state, priority: String(priority) }).plan();
    return builder.core.registry.get("container", id) === undefined;
  });
  expect(dropped).toEqual(then.dropped);
}
