import { expect } from "vitest";
import { parseDuration } from "../../../src/config/duration.ts";
import { QueueError } from "../../../src/drivers/queue/port.ts";
import { describeScenarios } from "../../drivers/scenarios.ts";
import { polling } from "../../support/polling-feed.ts";

/** The pauses between polls that take as long as given. */
function pauses(askedAtMs: readonly number[], takesMs: readonly number[]): number[] {
  return askedAtMs.slice(1).map((atMs, index) => {
    return atMs - (askedAtMs[index] ?? 0) - (takesMs[index] ?? 0);
  });
}

describeScenarios("scheduler.loop.json", {
  runs: {
    "drv.sched.initial_poll_retry": async ({ given, then }) => {
      const { feed, state, sink, askedAtMs } = polling(parseDuration(given.PollInterval));
      const failure = { code: "unavailable", message: "503" } as const;
      state.takesMs = 0;
      const outcomes = [...given.update_results] as string[];
      const play = (): void => {
        state.error = outcomes.shift() === "error" ? new QueueError(failure) : undefined;
      };
      play();
      feed.start();
      for (const sleep of then.sleeps as string[]) {
        await sink.advance(1);
        play();
        await sink.advance(parseDuration(sleep));
      }
      expect(pauses(askedAtMs, [])).toEqual((then.sleeps as string[]).map(parseDuration));
      expect(feed.polledSeq()).toBeGreaterThan(0);
      feed.stop();
    },
    "drv.sched.poll_pacing": async ({ given, then }) => {
      const { feed, state, sink, askedAtMs } = polling(parseDuration(given.PollInterval));
      const takesMs = (given.update_durations as string[]).map(parseDuration);
      const sleeps = (then.sleeps as string[]).map(parseDuration);
      state.takesMs = takesMs[0] ?? 0;
      feed.start();
      for (const [index, ms] of takesMs.entries()) {
        // It is under way now: this is for the next one, which begins where the pause ends.
        await sink.advance(1);
        state.takesMs = takesMs[index + 1] ?? 0;
        await sink.advance(ms + (sleeps[index] ?? 0) - 1);
      }
      expect(pauses(askedAtMs, takesMs)).toEqual(sleeps);
      feed.stop();
    },
  },
});
