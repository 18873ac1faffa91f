import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { makeSettingsReader } from "../../../src/cli/settings-input.ts";
import { planSnapshot, printPlan } from "../../../src/machines/planner/plan-snapshot.ts";

/** What `plan` prints, as far as it is compared. */
interface Planned {
  readonly decisions: readonly Decided[];
  readonly queue: readonly {
    readonly container: string;
    readonly state: string;
    readonly scheduling_status: string;
  }[];
  readonly limits: { readonly max_containers: number; readonly instances_within_quota: number };
  readonly metrics: {
    readonly containers_allocated_not_started: number;
    readonly containers_not_allocated_over_quota: number;
  };
}

interface Decided {
  readonly do: string;
  readonly container?: string;
  readonly instance?: string;
  readonly instance_type?: string;
  readonly reason?: string;
}

interface Snapshot {
  readonly case: { readonly id: string } & Record<string, unknown>;
  readonly go: {
    readonly cancel: readonly string[] | null;
    readonly outs: readonly {
      readonly schedule: readonly Decided[] | null;
      readonly reconcile: readonly Decided[] | null;
      readonly queue: readonly (readonly [string, string, string])[] | null;
      readonly max_containers: number;
      readonly instances_within_quota: number;
      readonly allocated_not_started: number;
      readonly over_quota: number;
    }[];
  };
}

const file = new URL("../../golden/schedule.jsonl.gz", import.meta.url);
const snapshots = gunzipSync(readFileSync(file))
  .toString("utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Snapshot);
const settings = makeSettingsReader(undefined, { err: () => undefined });

function planOf(input: unknown): Planned {
  return JSON.parse(printPlan(planSnapshot(input, settings))) as Planned;
}

/** As one line, in which only a kill's reason counts: the original gives no others. */
function line({ do: what, container, instance, instance_type: type, reason }: Decided): string {
  if (what === "create") return `create ${type}`;
  if (what === "start") return `start ${container} ${instance}`;
  if (what === "shutdown") return `shutdown ${instance}`;
  return what === "kill" ? `kill ${container} ${reason}` : `${what} ${container}`;
}

/** What `all` has beyond `some`, each as often as it has it more, sorted. */
function beyond(all: readonly string[], some: readonly string[]): string[] {
  const left = [...some];
  return all
    .filter((each) => {
      const at = left.indexOf(each);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    })
    .sort();
}

describe("what the original decided on random snapshots (test/golden/README.md)", () => {
  it("is there in full", () => {
    expect(snapshots).toHaveLength(400);
  });

  it.each(snapshots.map((snapshot) => [snapshot.case.id, snapshot] as const))(
    "%s is decided alike",
    (_id, { case: input, go }) => {
      const original = go.outs[0];
      if (!original) throw new Error("the snapshot holds no answer of the original");
      const pass = planOf({ ...input, pass: "schedule" });
      const cancelled = pass.decisions.filter((each) => each.do === "cancel");
      const lines = pass.decisions.filter((each) => each.do !== "cancel").map(line);

      expect(lines).toEqual((original.schedule ?? []).map(line));
      expect(cancelled.map(({ container }) => container).sort()).toEqual(
        [...(go.cancel ?? [])].sort(),
      );
      expect(
        pass.queue.map(({ container, state, scheduling_status: text }) => [container, state, text]),
      ).toEqual(original.queue ?? []);
      expect(pass.limits).toMatchObject({
        max_containers: original.max_containers,
        instances_within_quota: original.instances_within_quota,
      });
      expect(pass.metrics).toMatchObject({
        containers_allocated_not_started: original.allocated_not_started,
        containers_not_allocated_over_quota: original.over_quota,
      });
      const both = planOf(input).decisions.map(line);
      expect(beyond(both, pass.decisions.map(line))).toEqual(
        (original.reconcile ?? []).map(line).sort(),
      );
    },
  );
});
