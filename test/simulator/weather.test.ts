import { expect, it } from "vitest";
import type { IdleBehavior } from "../../src/machines/model/command.ts";
import { noFaults } from "../../src/simulator/faults.ts";
import { VirtualClock } from "../../src/simulator/virtual-clock.ts";
import { Weather } from "../../src/simulator/weather.ts";
import { record, worker, worldOf } from "./invariant-rig.ts";

it("a hold ends that a dispatcher reads from a tag after the faults have ended", async () => {
  const submitted: object[] = [];
  const clock = new VirtualClock(0);
  const faults = noFaults();
  const supervisor = { submit: async (fact: object) => submitted.push(fact) > 0 };
  const weather = new Weather(worldOf({ clock, faults, dispatcher: { supervisor } }), []);
  const found = (idleBehavior: IdleBehavior) =>
    record({
      changes: [worker("i-1", { instanceId: "i-1" }, { lifecycle: "unknown", idleBehavior })],
    });

  weather.react(found("hold"));
  await clock.run({ untilMs: 1_000 });
  expect(submitted).toEqual([]);

  faults.stop();
  weather.react(found("run"));
  weather.react(found("hold"));
  await clock.run({ untilMs: 2_000 });
  expect(submitted).toMatchObject([
    { type: "behavior.requested", workerId: "i-1", behavior: "run" },
  ]);
});
