import { expect, it } from "vitest";
import type { RunnerProgress } from "../../../src/actors/runner-binary.ts";
import { makeRunnerProgressLog } from "../../../src/cli/daemon/runner-progress-log.ts";

it("logs a copy's start, how far it is every five seconds, and its end", () => {
  const lines: [string, number, string][] = [];
  const write = (fields: { Instance: string; SentBytes: number }, message: string): void =>
    void lines.push([fields.Instance, fields.SentBytes, message]);
  let nowMs = 1_000;
  const log = makeRunnerProgressLog({ info: write, warn: write } as never, () => nowMs);
  const tell = (instanceId: string, state: RunnerProgress["state"], sentBytes: number): void =>
    log({ instanceId, state, sentBytes, totalBytes: 40, isGzipped: true, error: "" });
  tell("i-1", "begun", 0);
  for (let sent = 1; sent <= 12; sent++) {
    nowMs += 1_000;
    tell("i-1", "underWay", sent);
    if (sent === 2) tell("i-2", "begun", 0);
    if (sent === 3) tell("i-2", "failed", 1);
  }
  tell("i-1", "copied", 40);
  expect(lines).toEqual([
    ["i-1", 0, "runner is being copied to worker"],
    ["i-2", 0, "runner is being copied to worker"],
    ["i-2", 1, "runner could not be copied to worker"],
    ["i-1", 5, "runner is being copied to worker"],
    ["i-1", 10, "runner is being copied to worker"],
    ["i-1", 40, "runner has been copied to worker"],
  ]);
});
