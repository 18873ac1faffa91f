import { describe, expect, it } from "vitest";
import { openBox, type DaemonBox } from "../support/daemon-box.ts";

const YEAR_MS = 365 * 24 * 3_600_000;
const SOON_MS = 40_000;
const SPAN_DAYS = /(^|\s)\d{2,}d(\d+h)?(\s|$)/m;

interface State {
  readonly seq: number;
  readonly at: string;
  readonly bounds: {
    readonly first_seq: number;
    readonly first_at: string;
    readonly last_at: string;
  };
}

/** One run of the dispatcher, with a container that ends in it. */
async function run(box: DaemonBox, script: string): Promise<string> {
  await box.start();
  const uuid = await box.submit(script);
  await box.until(`${uuid} is over`, SOON_MS, async () => {
    return (await box.container(uuid)).state === "Complete";
  });
  return uuid;
}

/** What a command prints; it has to go well. */
async function said(box: DaemonBox, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await box.cli(...args);
  expect([args.join(" "), code, stderr]).toEqual([args.join(" "), 0, ""]);
  return stdout;
}

describe("a dispatcher whose clock was a year ahead for one run", () => {
  it("keeps its history, and goes on as if nothing had been", async () => {
    const box = openBox({ config: { DispatchCloud: { Journal: { CheckpointRecords: 20 } } } });
    const before = await run(box, "echo before");
    const { seq: beforeSeq } = await box.api<State>("GET", "/dispatch/v1/state");
    await box.endBy("SIGTERM");

    box.setClock(YEAR_MS);
    const ahead = await run(box, "echo ahead");
    const { seq: aheadSeq, at: aheadAt } = await box.api<State>("GET", "/dispatch/v1/state");
    expect(Date.parse(aheadAt)).toBeGreaterThan(Date.now() + YEAR_MS / 2);
    await box.endBy("SIGTERM");

    box.setClock(0);
    const startedAt = Date.now();
    const after = await run(box, "echo after");

    // All of it is there, and its times are those of a right clock.
    const now = await box.api<State>("GET", "/dispatch/v1/state");
    expect(now.bounds.first_seq).toBe(1);
    expect(Date.parse(now.bounds.last_at)).toBeLessThan(Date.now() + 60_000);
    expect(Date.parse(now.bounds.first_at)).toBeLessThan(startedAt);
    const stateAt = (at: string) =>
      box.api<State>("GET", `/dispatch/v1/state?at=${encodeURIComponent(at)}`);
    const started = await stateAt(new Date(startedAt - 1).toISOString());
    expect(started.seq).toBeLessThan(now.seq);
    expect(started.seq).toBeGreaterThanOrEqual(beforeSeq);
    // A time of next year is one that the run that was ahead has recorded, or none.
    expect(Math.abs((await stateAt(aheadAt)).seq - aheadSeq)).toBeLessThan(40);
    const never = encodeURIComponent(new Date(Date.now() + 2 * YEAR_MS).toISOString());
    expect((await box.http("GET", `/dispatch/v1/state?at=${never}`)).status).toBe(400);

    for (const uuid of [before, ahead, after]) {
      const told = await said(box, "explain", uuid);
      const text = told.replaceAll(/with the clock \S+ behind the last run's/g, "");
      expect(text).toContain("Complete");
      expect(text).not.toMatch(SPAN_DAYS);
      expect(text).not.toMatch(/\s-\d+(ms|s|m|h|d)\s/);
    }
    expect(box.log()).toContain("the last run's clock was ahead");
    await box.endBy("SIGTERM");

    expect(await said(box, "journal", "check", box.dataDir)).toContain("all in order");
    const whole = JSON.parse(
      await said(box, "replay", "--from-checkpoints", "--json", box.dataDir),
    ) as {
      readonly difference: unknown;
      readonly seq: number;
    };
    expect(whole.difference).toBeNull();
    const until = async (at: string) =>
      (
        JSON.parse(await said(box, "replay", "--until", at, "--json", box.dataDir)) as {
          seq: number;
        }
      ).seq;
    expect(Math.abs((await until(aheadAt)) - aheadSeq)).toBeLessThan(40);
    expect(await until(new Date().toISOString())).toBe(whole.seq);
    expect(await until(new Date(startedAt - 1).toISOString())).toBeLessThan(whole.seq);
  });

  it("says that somebody sets its clock while it runs", async () => {
    const box = openBox();
    await box.start();
    expect(await said(box, "status")).toContain("ALARMS  none");
    box.setClock(-YEAR_MS);
    await box.until("it is said", SOON_MS, async () => {
      return (await said(box, "status")).includes("wall clock of this machine is 365d behind");
    });
    const metrics = await (await box.http("GET", "/metrics")).text();
    expect(metrics).toMatch(/^dispatchcloud_clock_jumps_total 1$/m);
    expect(metrics).toMatch(/^dispatchcloud_clock_offset_seconds -3153[56]\d{3}/m);
    expect(metrics).toMatch(/^dispatchcloud_alarms\{alarm="clock"\} 1$/m);
    expect(box.log()).toContain("wall clock was set");
    // Its own time goes on.
    const { at } = await box.api<State>("GET", "/dispatch/v1/state");
    expect(Math.abs(Date.parse(at) - Date.now())).toBeLessThan(60_000);
    box.setClock(0);
    await box.until("it is over", SOON_MS, async () => {
      return (await said(box, "status")).includes("ALARMS  none");
    });
  });
});
