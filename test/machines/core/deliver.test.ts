import { expect, it } from "vitest";
import { Draft } from "../../../src/machines/core/draft.ts";
import { ONLY } from "../../../src/machines/model/ids.ts";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { settings } from "../../support/settings.ts";

const C1 = containerId(1);

function draft(): Draft {
  const { core } = new CoreBuilder().dispatching().instance("i-1", "type1").container(C1);
  const frame = { journalId: "j1", seq: core.seq + 1, atMs: core.atMs, settings: settings() };
  return new Draft(core.registry, frame);
}

it("what a chart knows is delivered", () => {
  const start = { type: "start.decided", containerId: C1 } as const;
  expect(draft().deliver("worker", "i-1", start)).toBe(true);
  expect(draft().deliver("container", C1, { type: "lock.decided", reason: "" })).toBe(true);
  expect(draft().deliver("throttle", ONLY, { type: "create.declined" })).toBe(true);
});

/** Their charts pass over them without a word: it is the compiler that has to tell. */
it("an event or a member that a chart does not know does not compile", () => {
  // @ts-expect-error: no chart has this event
  expect(draft().deliver("worker", "i-1", { type: "start.decyded", containerId: C1 })).toBe(false);
  // @ts-expect-error: it is a container's
  expect(draft().deliver("worker", "i-1", { type: "lock.decided", reason: "" })).toBe(false);
  // @ts-expect-error: it is a worker's
  expect(draft().deliver("throttle", ONLY, { type: "shutdown.decided", reason: "" })).toBe(false);
  // @ts-expect-error: no chart has this event
  expect(draft().deliverToContainer(C1, { type: "process.sean", workerId: "i-1" })).toBe(false);
  // @ts-expect-error: the member is `containerId`
  draft().deliver("worker", "i-1", { type: "start.decided", containerID: C1 });
  // @ts-expect-error: why is left out
  draft().deliver("container", C1, { type: "lock.decided" });
  // @ts-expect-error: no such reason to wait
  draft().deliver("container", C1, { type: "wait.decided", reason: "tired" });
});
