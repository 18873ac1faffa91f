import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished } from "vitest";
import type { Page } from "playwright-core";
import { EventHub } from "../../src/http/event-hub.ts";
import { statusEvent } from "../../src/http/status-event.ts";
import type { FactInput } from "../../src/machines/model/fact.ts";
import { PAGE_FOLDER } from "../../src/cli/daemon/view.ts";
import { openServer, TOKEN } from "../http/test-server.ts";
import { containerId } from "../support/containers.ts";
import { CoreBuilder } from "../support/core-builder.ts";
import { journalOfBuilder } from "../support/told-journal.ts";
import { browserTest, logIn, openPage, PHONE } from "./rig.ts";

/** The real endpoints over a core that is fed by hand; the page hears of each fact as of a dispatcher's. */
async function openCore(builder: CoreBuilder) {
  const journal = await journalOfBuilder(builder);
  const { readModel } = builder;
  const nowMs = (): number => builder.nowMs;
  const events = new EventHub({
    lastSeq: builder.core.seq,
    instanceTypes: () => builder.core.settings?.instanceTypes ?? {},
    clock: { setTimer: () => () => undefined },
    status: () =>
      statusEvent({ readModel, nowMs: nowMs(), accepting: true, readOnly: false, alarms: [] }),
  });
  onTestFinished(() => events.close());
  const server = await openServer(builder, {
    pageFolder: PAGE_FOLDER,
    view: { journal, events, goodProbeAtMs: builder.nowMs - 4_000 },
  });
  const feed = async (fact: FactInput): Promise<void> => {
    const { record, changes } = builder.feed(fact);
    if (!record) throw new Error(`${fact.type} changed nothing`);
    await journal.append([record]);
    events.push({ record, changes });
  };
  return { url: `${server.url}/`, feed };
}

async function openChart(url: string, hash: string, options?: typeof PHONE): Promise<Page> {
  const { page } = await openPage(`${url}${hash}`, options);
  await logIn(page, TOKEN);
  await page.locator("svg.chart").waitFor();
  return page;
}

/** A worker that has been idle for 34 seconds. */
function idleFleet(): CoreBuilder {
  const builder = new CoreBuilder().dispatching();
  builder.instance("i-1", "type1");
  builder.nowMs += 34_000;
  return builder;
}

const stateOf = (page: Page, id: string) => page.locator(`[data-state="${id}"]`);

describe("the state chart", () => {
  browserTest("counts who is where, and goes on as records come", async () => {
    const { url, feed } = await openCore(idleFleet());
    const page = await openChart(url, "#/chart/worker");
    const idle = page.getByRole("button", { name: "worker, lifecycle: idle, 1 worker" });
    await idle.waitFor();
    await feed({ type: "shutdown.requested", workerId: "i-1", reason: "must go" });
    await page
      .getByRole("button", { name: "worker, lifecycle: shutdown, 1 worker" })
      .waitFor({ timeout: 1000 });
    expect(await stateOf(page, "lifecycle.idle").getAttribute("data-count")).toBe("0");
  });

  browserTest(
    "shows where the chosen worker is, how it came there and what may come next",
    async () => {
      const { url, feed } = await openCore(idleFleet());
      const page = await openChart(url, "#/chart/worker?id=i-1");
      await page.locator(".state.active").first().waitFor();
      const active = await page
        .locator(".state.active")
        .evaluateAll((states) => states.map((state) => state.getAttribute("data-state")));
      expect(active.sort()).toEqual(["idleBehavior.run", "lifecycle.idle"]);
      const taken = page.locator(".label.taken");
      expect(await taken.getAttribute("data-edge")).toBe("lifecycle.unknown→lifecycle.idle");
      const side = page.getByLabel("Chosen actor");
      await side.getByText("idle for 34s of TimeoutIdle 1m").waitFor();
      await side.getByText("on hold: no, behaviour is run").first().waitFor();
      await side.getByText("no answer for 4.0s of TimeoutProbe 10m").waitFor();
      await feed({ type: "behavior.requested", workerId: "i-1", behavior: "hold", reason: "" });
      await page.locator('.state.active[data-state="idleBehavior.hold"]').waitFor();
      await side.getByText("on hold: yes").first().waitFor();
      expect(await taken.getAttribute("data-edge")).toBe("idleBehavior.run→idleBehavior.hold");
    },
  );

  browserTest("shows the only supervisor without being asked", async () => {
    const { url } = await openCore(idleFleet());
    const page = await openChart(url, "#/chart/supervisor");
    await page.locator('.state.active[data-state="dispatching"]').waitFor();
  });

  browserTest(
    "is used with the keyboard: states lead to the fleet, plus and minus scale",
    async () => {
      const { url } = await openCore(idleFleet());
      const page = await openChart(url, "#/chart/worker");
      const widthOf = async (): Promise<number> =>
        Number(await page.locator("svg.chart").getAttribute("width"));
      await page.getByRole("region", { name: /^State chart of worker/ }).focus();
      const before = await widthOf();
      await page.keyboard.press("+");
      await expect.poll(widthOf).toBeGreaterThan(before);
      await page.keyboard.press("-");
      await expect.poll(widthOf).toBe(before);
      // Where the mouse rests, an arrow may come to lie when the state is scrolled into view.
      await page.mouse.move(1, 1);
      await stateOf(page, "lifecycle.idle").focus();
      await expect.poll(() => page.locator(".arrow.lit").count()).toBeGreaterThan(3);
      await page.keyboard.press("Enter");
      await page.waitForURL(/#\/fleet\?.*state=worker%3Aidle/);
    },
  );

  browserTest(
    "says in words what it draws, and says of what is not known that it is not",
    async () => {
      const { url } = await openCore(idleFleet());
      const page = await openChart(url, "#/chart/worker?id=nobody");
      await page.getByRole("alert").getByText("nobody is called nobody").waitFor();
      await page.getByText("The chart in words").click();
      const words = await page.locator(".transition-list").innerText();
      expect(words).toContain("booting → idle on probe.succeeded if booted");
      const labels = await page
        .locator(".label")
        .evaluateAll((edges) => edges.map((edge) => edge.getAttribute("aria-label") ?? ""));
      expect(labels).toContain("booting to idle: on probe.succeeded if booted");
    },
  );

  browserTest("saves the chart and the history as files", async () => {
    const { url } = await openCore(idleFleet());
    const page = await openChart(url, "#/chart/worker?id=i-1");
    const saved = async (group: string, name: string): Promise<string> => {
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("group", { name: group }).getByRole("button", { name }).click(),
      ]);
      return readFileSync(await download.path(), "utf8");
    };
    expect(await saved("Save the chart", "SVG")).toMatch(/^<svg /);
    expect(await saved("Save the chart", "Mermaid")).toMatch(/^stateDiagram-v2/);
    expect(await saved("Save the history", "Mermaid")).toMatch(/^gantt\n {2}title worker i-1/);
    expect(JSON.parse(await saved("Save the history", "JSON"))).toMatchObject({
      actor: { kind: "worker", id: "i-1" },
    });
  });

  browserTest("fits a phone: nothing sticks out, and labels can be read", async () => {
    const builder = idleFleet().container(containerId(1));
    const { url } = await openCore(builder);
    const page = await openChart(url, "#/chart/container", PHONE);
    const wide = await page.evaluate("document.documentElement.scrollWidth");
    expect(wide).toBeLessThanOrEqual(375);
    const size = await page
      .locator(".label text")
      .first()
      .evaluate((text) => text.getBoundingClientRect().height);
    expect(size).toBeGreaterThan(7);
  });

  browserTest("moves nothing for those who want no motion", async () => {
    const { url } = await openCore(idleFleet());
    const { page } = await openPage(`${url}#/chart/worker?id=i-1`, { reducedMotion: "reduce" });
    await logIn(page, TOKEN);
    await page.locator(".taken-flow").waitFor({ state: "attached" });
    const name = await page.evaluate(
      "getComputedStyle(document.querySelector('.taken-flow')).animationName",
    );
    expect(name).toBe("none");
  });
});
