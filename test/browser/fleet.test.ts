import { describe, expect, onTestFinished } from "vitest";
import type { RecordView } from "../../src/http/wire/record.ts";
import type { WorkerRow } from "../../src/http/wire/worker.ts";
import type { StateAnswer } from "../../src/http/wire/state.ts";
import { FakeDispatcher } from "./fake-dispatcher.ts";
import { at, madeState, madeWorker } from "./made-state.ts";
import { browserTest, openFleet, PHONE } from "./rig.ts";

async function openFake(state: StateAnswer): Promise<FakeDispatcher> {
  const fake = await new FakeDispatcher(state).open();
  onTestFinished(() => fake.close());
  return fake;
}

/** A record that makes of a worker what `row` says. */
function workerRecord(seq: number, row: WorkerRow): RecordView {
  const change = {
    actor: `worker/${row.worker_id}`,
    kind: "worker" as const,
    id: row.worker_id,
    from: null,
    to: { lifecycle: row.lifecycle, idleBehavior: row.idle_behavior },
    transitions: [],
    row,
  };
  return { seq, at: at(0), fact: { type: "test" }, commands: [], decisions: [], changes: [change] };
}

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script>`;

describe("the fleet", () => {
  browserTest("draws only what is seen of 5,000 workers and 50,000 containers", async () => {
    const fake = await openFake(madeState(5000, 50_000));
    const { page } = await openFleet(fake);
    await page.getByRole("listbox", { name: /^running/ }).waitFor();
    await page.getByLabel("Workers by state").getByText("5,000").waitFor();
    expect(await page.locator("[aria-posinset]").count()).toBeLessThan(2500);
    const queue = page.getByRole("listbox", { name: /^Queue: 50,000/ });
    expect(await queue.getByRole("option").count()).toBeLessThan(60);
    await queue.focus();
    await page.keyboard.press("End");
    await queue.locator('[aria-posinset="50000"]').waitFor();
  });

  browserTest(
    "shows a record as soon as it comes, and moves its worker to the new state",
    async () => {
      const fake = await openFake(madeState(10, 10));
      const { page } = await openFleet(fake);
      const idle = page.getByRole("listbox", { name: /^idle: / });
      await idle.getByRole("option").first().waitFor();
      const row = { ...madeWorker(6), lifecycle: "shutdown" as const, shutdown_reason: "told to" };
      fake.send(workerRecord(1001, row));
      await page.getByText("told to").waitFor({ timeout: 1000 });
      expect(await idle.count()).toBe(0);
    },
  );

  browserTest("finds by text, by type and by the reason to wait", async () => {
    const fake = await openFake(madeState(40, 80));
    const { page } = await openFleet(fake);
    const workers = page.getByLabel("Workers", { exact: true }).getByRole("option");
    const queue = page.getByRole("listbox", { name: /^Queue: / });
    await workers.first().waitFor();
    const search = page.getByLabel("Search workers and containers");
    await search.fill("id:w-7");
    await expect.poll(() => workers.count()).toBe(1);
    await search.fill("reason:account");
    await expect.poll(() => queue.getAttribute("aria-label")).toMatch(/^Queue: 8 /);
    await search.fill("");
    await page.getByLabel("State or reason").selectOption("reason:booting");
    await expect.poll(async () => queue.getByText("boot").count()).toBeGreaterThan(0);
    expect(await queue.getByText("account limits").count()).toBe(0);
    expect(new URL(page.url()).hash).toContain("state=reason%3Abooting");
  });

  browserTest("shows names from outside as text", async () => {
    const state = madeState(10, 10);
    const [worker] = state.workers;
    const [container] = state.containers;
    Object.assign(worker!, { instance_id: `${HOSTILE}${"x".repeat(5000)}`, last_error: HOSTILE });
    Object.assign(container!, { container_uuid: HOSTILE, last_error: HOSTILE });
    const fake = await openFake(state);
    fake.explainText = HOSTILE;
    const { page } = await openFleet(fake);
    await page
      .getByRole("listbox", { name: /^Queue/ })
      .getByText("<img src=x")
      .first()
      .click();
    const details = page.getByRole("complementary", { name: "Details" });
    await details.getByText(HOSTILE).first().waitFor();
    await page.getByRole("option", { name: /<img src=x.*running/ }).click();
    await details
      .getByRole("button", { name: /Show all \d+ characters/ })
      .first()
      .click();
    expect(await details.getByText("x".repeat(5000)).count()).toBeGreaterThan(0);
    expect(await page.locator("img, #page script").count()).toBe(0);
    expect(await page.title()).toBe("dispatch-cloud");
    await noSidewaysScroll(page);
  });

  browserTest("works by keyboard alone", async () => {
    const fake = await openFake(madeState(60, 20));
    const { page } = await openFleet(fake);
    const running = page.getByRole("listbox", { name: /^running: 36/ });
    await running.waitFor();
    await page.keyboard.press("/");
    expect(await focusedName(page)).toBe("Search workers and containers");
    for (let presses = 0; presses < 20; presses++) {
      await page.keyboard.press("Tab");
      if ((await focusedName(page)).startsWith("running")) break;
    }
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    const details = page.getByRole("complementary", { name: "Details" });
    await details.getByRole("button", { name: "Drain…" }).focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog");
    await dialog.waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    expect(await focusedName(page)).toBe("Drain…");
    await page.keyboard.press("Enter");
    await page.keyboard.type("by keyboard");
    await page.keyboard.press("Enter");
    await details.getByText("it is in the journal").waitFor();
    const [{ path, body } = { path: "", body: {} }] = fake.posts;
    expect(path).toMatch(/^workers\/w-\d+\/drain$/);
    expect(body).toEqual({ reason: "by keyboard" });
    await page.keyboard.press("Escape");
    await details.waitFor({ state: "detached" });
  });

  browserTest("names what a kill would interrupt", async () => {
    const state = madeState(10, 40);
    const uuids = state.containers.slice(0, 3).map(({ container_uuid }) => container_uuid);
    state.workers[0]!.container_uuids = uuids;
    const fake = await openFake(state);
    const { page } = await openFleet(fake);
    await page.getByRole("option", { name: /runs zzzzz-dz642-000000000000000\b/ }).click();
    await page.getByRole("button", { name: "Kill…" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("It interrupts 3 containers:").waitFor();
    for (const uuid of uuids) expect(await dialog.getByText(uuid).count()).toBe(1);
  });

  browserTest("lets nobody act where nothing may be changed", async () => {
    const fake = await openFake({ ...madeState(10, 10), read_only: true });
    const { page } = await openFleet(fake);
    await page
      .getByRole("listbox", { name: /^Queue/ })
      .getByRole("option")
      .first()
      .click();
    const actions = page.getByRole("group", { name: "Actions" });
    await actions.getByText("read-only").waitFor();
    expect(await actions.getByRole("button", { disabled: false }).count()).toBe(0);
  });

  browserTest("takes the stream up again where it broke off, and says so meanwhile", async () => {
    const fake = await openFake(madeState(10, 10));
    const { page } = await openFleet(fake);
    await page.getByText("live", { exact: true }).waitFor();
    fake.send(workerRecord(1001, { ...madeWorker(5), last_error: "the first" }));
    await page.getByText("the first").waitFor();
    fake.isDeaf = true;
    fake.breakStreams();
    await page.getByText(/reconnecting, no news for [\d.]+s/).waitFor();
    fake.isDeaf = false;
    await page.getByText("live", { exact: true }).waitFor();
    expect(fake.gets.filter((path) => path.startsWith("events")).at(-1)).toBe("events?after=1001");
    expect(fake.gets.filter((path) => path === "state")).toHaveLength(1);
  });

  browserTest("loads the state again when the stream cannot go on", async () => {
    const fake = await openFake(madeState(10, 10));
    const { page } = await openFleet(fake);
    await page.getByText("live", { exact: true }).waitFor();
    fake.state = { ...madeState(13, 10), seq: 2000 };
    fake.sendEvent("reset", { reason: "too-slow", detail: "" });
    await page.getByLabel("Workers by state").getByText("13").waitFor();
    await expect.poll(() => fake.gets.at(-1)).toBe("events?after=2000");
  });

  browserTest("is readable on a phone, with no sideways scroll", async () => {
    const fake = await openFake(madeState(60, 100));
    const { page } = await openFleet(fake, PHONE);
    await page.getByRole("listbox", { name: /^running/ }).waitFor();
    await noSidewaysScroll(page);
    await page.getByRole("button", { name: /^Queue/ }).click();
    await page
      .getByRole("listbox", { name: /^Queue/ })
      .getByRole("option")
      .first()
      .click();
    await page.getByRole("complementary", { name: "Details" }).waitFor();
    await noSidewaysScroll(page);
  });
});

type Page = Awaited<ReturnType<typeof openFleet>>["page"];

async function noSidewaysScroll(page: Page): Promise<void> {
  const [content, window] = await page.evaluate(() => {
    const { document: doc, innerWidth } = globalThis as unknown as Seen;
    return [doc.documentElement.scrollWidth, innerWidth];
  });
  expect(content).toBeLessThanOrEqual(window ?? 0);
}

async function focusedName(page: Page): Promise<string> {
  return page.evaluate(() => {
    const { activeElement } = (globalThis as unknown as Seen).document;
    return activeElement?.getAttribute("aria-label") ?? activeElement?.textContent ?? "";
  });
}

/** Of the browser's window, what these tests look at. */
interface Seen {
  readonly innerWidth: number;
  readonly document: {
    readonly documentElement: { readonly scrollWidth: number };
    readonly activeElement: {
      getAttribute(name: string): string | null;
      readonly textContent: string;
    } | null;
  };
}
