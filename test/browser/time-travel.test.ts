import { describe, expect } from "vitest";
import type { HistoryAnswer } from "../../src/http/wire/actor.ts";
import type { ExplanationAnswer } from "../../src/http/wire/explanation.ts";
import type { RecordsAnswer } from "../../src/http/wire/record.ts";
import type { StateAnswer } from "../../src/http/wire/state.ts";
import { expectSeq, Night } from "./night.ts";
import { browserTest, PHONE } from "./rig.ts";

describe("time travel", () => {
  const night = new Night();

  browserTest("shows the state of the moment that the address names", async () => {
    const page = await night.open("#/fleet?at=1388");
    await night.expectMoment(page, 1388);
    await page.goto(page.url().replace("1388", "435"));
    await night.expectMoment(page, 435);
  });

  browserTest("tells why, as things stood at the moment", async () => {
    const id = night.heldWorker;
    const { marks } = await night.get<HistoryAnswer>(`actors/${id}/history`);
    const at = (type: string) => marks.find((mark) => mark.type === type)?.seq ?? 0;
    const [begins, starts] = [at("create.succeeded"), at("start.returned")];
    const answerAt = async (seq: number) =>
      (await night.get<ExplanationAnswer>(`explain/${id}?at=${seq}`)).answer.text;
    const texts = [await answerAt(begins), await answerAt(starts)];
    expect(texts[0]).not.toBe(texts[1]);
    const page = await night.open(`#/fleet?sel=${id}&at=${begins}`);
    const why = page.getByRole("region", { name: "Why" });
    await why
      .getByText(texts[0] ?? "")
      .first()
      .waitFor();
    await why.getByText(`After record ${begins},`).waitFor();
    await page.goto(page.url().replace(`at=${begins}`, `at=${starts}`));
    await why
      .getByText(texts[1] ?? "")
      .first()
      .waitFor();
  });

  browserTest("goes on record by record, and back to the very same page", async () => {
    const page = await night.open("#/fleet?at=1388");
    await expectSeq(page, 1388);
    const main = page.getByRole("main");
    await main.getByRole("listbox", { name: /^running/ }).waitFor();
    const before = await main.innerText();
    for (let seq = 1389; seq <= 1400; seq++) {
      await page.keyboard.press("ArrowRight");
      await expectSeq(page, seq);
    }
    await night.expectMoment(page, 1400);
    expect(page.url()).toContain("at=1400");
    for (let n = 0; n < 12; n++) await page.keyboard.press("ArrowLeft");
    await night.expectMoment(page, 1388);
    expect(await main.innerText()).toBe(before);
  });

  browserTest("goes back from where nothing is left to take back", async () => {
    const page = await night.open("#/fleet?at=1910");
    await page.getByRole("button", { name: "One record back" }).click();
    await night.expectMoment(page, 1909);
    await page.keyboard.press("ArrowLeft");
    await night.expectMoment(page, 1908);
  });

  browserTest("plays to the end of the journal and stops there", async () => {
    const { bounds } = await night.get<StateAnswer>("state");
    const page = await night.open(`#/fleet?at=${bounds.last_seq - 40}`);
    await expectSeq(page, bounds.last_seq - 40);
    await page.getByLabel("Speed").selectOption("1000×");
    await page.getByRole("button", { name: "Play" }).click();
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await night.expectMoment(page, bounds.last_seq);
    await page.getByRole("button", { name: "Play" }).waitFor();
    expect(page.url()).toContain(`at=${bounds.last_seq}`);
  });

  browserTest("is shared by its address: another page shows the same moment", async () => {
    const page = await night.open("#/fleet?at=1388");
    await expectSeq(page, 1388);
    await page.keyboard.press("ArrowRight");
    await night.expectMoment(page, 1389);
    const other = await night.open(new URL(page.url()).hash);
    await night.expectMoment(other, 1389);
    const workers = (where: typeof page) => where.getByLabel("Workers by state").innerText();
    expect(await workers(other)).toBe(await workers(page));
  });

  browserTest("takes times and steps that are typed, and says what would do", async () => {
    const page = await night.open("#/fleet?at=435");
    const box = page.getByLabel("Time, or record");
    const type = async (text: string): Promise<void> => {
      await box.fill(text);
      await box.press("Enter");
    };
    const there = await night.get<StateAnswer>("state?at=2026-01-01T01:20:00.000Z");
    await type("01:20");
    await night.expectMoment(page, there.seq);
    const { items } = await night.get<RecordsAnswer>(`records?from=${there.seq}&limit=1`);
    const backMs = Date.parse(items[0]?.at ?? "") - 900_000;
    const back = await night.get<StateAnswer>(`state?at=${new Date(backMs).toISOString()}`);
    await type("-15m");
    await night.expectMoment(page, back.seq);
    await type("#2000");
    await night.expectMoment(page, 2000);
    await type("yesterday");
    await page.getByRole("alert").getByText('"yesterday" is not').waitFor();
    await type("#999999");
    await page.getByRole("alert").getByText("the journal holds records 1 to").waitFor();
    await expectSeq(page, 2000);
  });

  browserTest("is moved by the slider, from the first record to the last", async () => {
    const { bounds } = await night.get<StateAnswer>("state");
    const first = await night.get<StateAnswer>(`state?at=${bounds.first_at}`);
    const page = await night.open("#/lanes");
    const slider = page.getByRole("slider", { name: "Moment" });
    await slider.focus();
    await slider.press("Home");
    await expectSeq(page, first.seq);
    await slider.press("ArrowRight");
    await expectSeq(page, first.seq + 1);
    await slider.press("End");
    await expectSeq(page, bounds.last_seq);
  });

  browserTest("returns to the end with a key, and keeps the view", async () => {
    const { bounds } = await night.get<StateAnswer>("state");
    const page = await night.open("#/lanes?at=435");
    await expectSeq(page, 435);
    await page.keyboard.press("l");
    await expectSeq(page, bounds.last_seq);
    expect(page.url()).toContain("#/lanes");
  });

  browserTest("fits a phone", async () => {
    const page = await night.open("#/lanes?at=1910", PHONE);
    await page.getByRole("button", { name: "One record on" }).click();
    await page.waitForURL(/at=1911/);
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    expect(width).toBeLessThanOrEqual(PHONE.viewport.width);
  });
});
