import type { Page } from "playwright-core";
import { describe, expect } from "vitest";
import type { HistoryAnswer } from "../../src/http/wire/actor.ts";
import type { RecordAnswer } from "../../src/http/wire/record.ts";
import type { TimelineAnswer } from "../../src/http/wire/timeline.ts";
import { expectSeq, Night } from "./night.ts";
import { browserTest, PHONE } from "./rig.ts";

const night = new Night();

function marksOf(page: Page) {
  return page.getByRole("list", { name: "Marks" }).getByRole("listitem");
}

describe("the history of one worker", () => {
  const history = () => night.get<HistoryAnswer>(`actors/${night.heldWorker}/history`);

  browserTest("shows all that is no noise, and the noise when it is wanted", async () => {
    const { marks, noise_omitted } = await history();
    expect(noise_omitted).toBeGreaterThan(0);
    const page = await night.open(`#/history/${night.heldWorker}`);
    await marksOf(page).first().waitFor();
    expect(await marksOf(page).count()).toBe(marks.length);
    await page.getByLabel(`noise (${noise_omitted} folded away)`).check();
    const all = marks.length + noise_omitted;
    await marksOf(page)
      .nth(all - 1)
      .waitFor();
    await page.getByLabel("decisions").uncheck();
    const decisions = marks.filter(({ kind }) => kind === "decision").length;
    expect(await marksOf(page).count()).toBe(all - decisions);
  });

  browserTest("cuts idle time short, or shows it as long as it was", async () => {
    const page = await night.open(`#/history/${night.heldWorker}`);
    const cuts = page.locator(".cuts rect");
    await cuts.first().waitFor({ state: "attached" });
    await page.getByLabel(/^collapse idle time/).uncheck();
    expect(await cuts.count()).toBe(0);
  });

  browserTest("opens a record: payload as text whatever it says, and the moment", async () => {
    const page = await night.open(`#/history/${night.heldWorker}`);
    await marksOf(page).getByText("an operator asked for hold").click();
    const { marks } = await history();
    const seq = marks.find(({ type }) => type === "behavior.requested")?.seq ?? 0;
    const panel = page.getByRole("region", { name: `Record ${seq}` });
    await panel.getByText('"behavior": "hold"').waitFor();
    expect(await panel.innerText()).toContain("<script>window.hacked=1</script>");
    expect(await page.evaluate("window.hacked")).toBeUndefined();
    await panel.getByRole("button", { name: "Go to this moment" }).click();
    await night.expectMoment(page, seq);
  });

  browserTest("leads from a record to what caused it, link by link", async () => {
    const { marks } = await history();
    const started = marks.find(({ type }) => type === "start.returned")?.seq ?? 0;
    const { chain } = await night.get<RecordAnswer>(`records/${started}?actor=${night.heldWorker}`);
    const cause = chain.at(-1)?.seq ?? 0;
    expect(cause).toBeLessThan(started);
    const page = await night.open(`#/history/${night.heldWorker}?seq=${started}`);
    const links = page.getByRole("list", { name: "Cause chain" });
    await links
      .getByRole("button", { name: `#${cause}` })
      .first()
      .click();
    await page.getByRole("region", { name: `Record ${cause}` }).waitFor();
    expect(page.url()).toContain(`seq=${cause}`);
  });

  browserTest("is walked through by keys alone", async () => {
    const { marks } = await history();
    const seqs = [...new Set(marks.map(({ seq }) => seq))];
    const page = await night.open(`#/history/${night.heldWorker}?at=${seqs[2]}`);
    await marksOf(page).first().waitFor();
    await page.keyboard.press("n");
    await page.getByRole("region", { name: `Record ${seqs[0]}` }).waitFor();
    await page.keyboard.press("n");
    await page.getByRole("region", { name: `Record ${seqs[1]}` }).waitFor();
    await page.keyboard.press("p");
    await page.getByRole("region", { name: `Record ${seqs[0]}` }).waitFor();
    await page.keyboard.press("]");
    await expectSeq(page, seqs[3] ?? 0);
    await page.keyboard.press("[");
    await expectSeq(page, seqs[2] ?? 0);
    const all = page.getByRole("button", { name: "All", exact: true });
    expect(await all.isDisabled()).toBe(true);
    await page.keyboard.press("+");
    await expect.poll(() => all.isDisabled()).toBe(false);
    await page.keyboard.press("0");
    await expect.poll(() => all.isDisabled()).toBe(true);
  });

  browserTest("says so when nobody has that name", async () => {
    const page = await night.open("#/history/n0body");
    await page.getByRole("alert").getByText("n0body").waitFor();
  });

  browserTest("fits a phone", async () => {
    const { marks } = await history();
    const seq = marks.find(({ type }) => type === "behavior.requested")?.seq ?? 0;
    const page = await night.open(`#/history/${night.heldWorker}?seq=${seq}`, PHONE);
    await page.getByRole("region", { name: `Record ${seq}` }).waitFor();
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    expect(width).toBeLessThanOrEqual(PHONE.viewport.width);
  });
});

describe("swim-lanes", () => {
  browserTest("show what all of them cost, and of a part of the time no more", async () => {
    const timeline = await night.get<TimelineAnswer>("timeline");
    const page = await night.open("#/lanes");
    const total = page.locator(".total-cost");
    await total.waitFor();
    const sum = timeline.workers.reduce((cost, worker) => cost + worker.cost, 0);
    expect(sum).toBeCloseTo(timeline.cost, 6);
    expect(Number(await total.innerText())).toBeCloseTo(sum, 1);
    await page.keyboard.press("+");
    // Not a number while the part's costs are asked for.
    await expect
      .poll(async () => Number(await total.innerText()) < sum * 0.95, { timeout: 10_000 })
      .toBe(true);
  });

  browserTest("draw only what is seen, and lead to a worker's history", async () => {
    const page = await night.open("#/lanes");
    const labels = page.locator(".lane-label");
    await labels.first().waitFor();
    expect(await labels.count()).toBeLessThan(60);
    await page.getByRole("searchbox").fill(night.heldWorker);
    await expect.poll(() => labels.count()).toBe(1);
    await labels.first().click();
    await page.getByRole("heading", { name: `worker ${night.heldWorker}` }).waitFor();
  });

  browserTest("can be read as a table", async () => {
    const { workers } = await night.get<TimelineAnswer>("timeline");
    const page = await night.open(`#/lanes?q=${night.heldWorker}`);
    await page.getByRole("button", { name: "Table" }).click();
    const row = page.getByRole("row", { name: new RegExp(night.heldWorker) });
    await row.waitFor();
    const lane = workers.find(({ worker_id }) => worker_id === night.heldWorker);
    expect(await row.innerText()).toContain(lane?.instance_id);
  });
});
