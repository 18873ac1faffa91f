import { describe, expect, it } from "vitest";
import { rejectionOf } from "../../../src/machines/container/container.rejection.ts";
import { Core } from "../../../src/machines/core/core.ts";
import type { Settings } from "../../../src/machines/model/settings.ts";
import { containerId } from "../../support/containers.ts";
import { CoreBuilder } from "../../support/core-builder.ts";
import { instanceType, settings } from "../../support/settings.ts";

const [X, Y] = [containerId(1), containerId(2)];

function typesOf(...sizes: number[]): Pick<Settings, "instanceTypes"> {
  const types = sizes.map(instanceType);
  return { instanceTypes: Object.fromEntries(types.map((type) => [type.name, type])) };
}

/** Starts again, as after an edit of the config. */
function restarted(core: CoreBuilder, changes: Partial<Settings>): void {
  core.feed({ type: "config.loaded", hash: "edited", settings: settings(changes) });
  core.dispatching();
}

function chosen(core: CoreBuilder, id: string): { types: readonly string[]; rejection: string } {
  const container = core.core.registry.get("container", id);
  const rejection = container ? rejectionOf(container) : "";
  return { types: container?.context.instanceTypes ?? [], rejection };
}

function moved(core: CoreBuilder, id: string, state: "Queued" | "Locked" | "Running"): void {
  const basedOnSeq = core.core.seq;
  core.feed({ type: "container.changed", containerId: id, basedOnSeq, state, priority: "1" });
}

const NOWHERE = "constraints not satisfiable by any configured instance type";

describe("a start with another config", () => {
  it("chooses types anew for what waits, however it was chosen before", () => {
    const core = new CoreBuilder(typesOf(1, 4)).dispatching();
    core.container(X, { vcpus: 2 }).container(Y, { vcpus: 2, state: "Locked" });
    expect([chosen(core, X).types, chosen(core, Y).types]).toEqual([["type4"], ["type4"]]);
    restarted(core, typesOf(1, 3, 8));
    expect([chosen(core, X).types, chosen(core, Y).types]).toEqual([["type3"], ["type3"]]);
  });

  it("changes nothing where it says the same of a container", () => {
    const core = new CoreBuilder(typesOf(1, 4)).dispatching().container(X, { vcpus: 2 });
    const before = core.core.registry.get("container", X);
    core.feed({ type: "config.loaded", hash: "edited", settings: settings(typesOf(2, 4)) });
    core.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(chosen(core, X).types).toEqual(["type2"]);
    core.feed({ type: "config.loaded", hash: "edited", settings: settings(typesOf(2, 4)) });
    const known = core.core.registry.get("container", X);
    core.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(core.core.registry.get("container", X)).toBe(known);
    expect(known).not.toBe(before);
  });

  it("cancels what fits nowhere any more, with the reason", () => {
    const core = new CoreBuilder(typesOf(1, 4)).dispatching().container(X, { vcpus: 2 });
    core.feed({ type: "config.loaded", hash: "edited", settings: settings(typesOf(1)) });
    core.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(chosen(core, X)).toEqual({ types: [], rejection: NOWHERE });
    core.dispatching();
    const cancels = core.journaled.flatMap(({ commands }) => commands);
    expect(cancels.find(({ kind }) => kind === "container.cancel")).toMatchObject({
      containerId: X,
      error: NOWHERE,
    });
  });

  it("takes back a rejection that no longer holds, but not an operator's", () => {
    const core = new CoreBuilder(typesOf(1)).dispatching();
    core.container(X, { vcpus: 2 }).container(Y);
    core.feed({ type: "cancel.requested", containerId: Y, reason: "mistake" });
    expect(chosen(core, X).rejection).toBe(NOWHERE);
    restarted(core, typesOf(1, 2));
    expect(chosen(core, X)).toEqual({ types: ["type2"], rejection: "" });
    expect(chosen(core, Y).rejection).toBe("cancelled by an operator: mistake");
  });

  it("lets run what was started, and rejects it when that came to nothing", () => {
    const core = new CoreBuilder(typesOf(1, 4)).dispatching();
    core.container(X, { vcpus: 2, state: "Locked" }).instance("i-1", "type4", [X]);
    restarted(core, typesOf(1));
    expect(chosen(core, X)).toEqual({ types: [], rejection: "" });
    const commands = core.journaled.flatMap((record) => record.commands);
    expect(commands.filter(({ kind }) => kind === "process.kill")).toEqual([]);
    core.instance("i-1", "type4", []);
    // Its exit is judged by a newer poll, and the lock given back.
    core.plan();
    const commandId = core.journaled.at(-1)?.commands[0]?.id ?? "";
    const unlocked = { operation: "unlock", state: "Queued", priority: null } as const;
    core.feed({ type: "operation.succeeded", commandId, containerId: X, ...unlocked });
    core.plan();
    expect(chosen(core, X).rejection).toBe(NOWHERE);
  });

  it("does not end what runs though an older journal says that it waits", () => {
    const core = new CoreBuilder(typesOf(1, 4)).dispatching();
    core.container(X, { vcpus: 2 });
    core.feed({ type: "config.loaded", hash: "edited", settings: settings(typesOf(1)) });
    core.feed({ type: "daemon.started", version: "test", journalId: "j1" });
    expect(chosen(core, X).rejection).toBe(NOWHERE);
    moved(core, X, "Running");
    core.dispatching().instance("i-1", "type4", [X]);
    core.plan();
    const commands = core.journaled.flatMap((record) => record.commands);
    expect(commands.filter(({ kind }) => kind === "process.kill")).toEqual([]);
    expect(chosen(core, X).rejection).toBe("");
  });

  it("takes over a state of an earlier version, which did not say what fits", () => {
    const builder = new CoreBuilder().dispatching().container(X).instance("i-1", "type1", [Y]);
    const state = builder.core.store();
    expect(state).toContain('"unfit":""');
    const core = Core.restore(state.replaceAll(/"unfit":"",?/g, ""));
    core.apply({ type: "daemon.started", version: "test", journalId: "j1", atMs: builder.nowMs });
    for (const id of [X, Y]) expect(core.registry.get("container", id)?.context.unfit).toBe("");
  });

  it("lets a running one go on, to whatever end", () => {
    const core = new CoreBuilder(typesOf(1, 4)).dispatching();
    core.container(X, { vcpus: 2, state: "Locked" }).instance("i-1", "type4", [X]);
    restarted(core, typesOf(1));
    moved(core, X, "Running");
    expect(chosen(core, X)).toEqual({ types: [], rejection: "" });
  });
});
