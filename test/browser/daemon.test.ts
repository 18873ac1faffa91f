import { describe, expect } from "vitest";
import type { RecordsAnswer } from "../../src/http/wire/record.ts";
import type { StateAnswer } from "../../src/http/wire/state.ts";
import { openBox, type DaemonBox, type Tree } from "../support/daemon-box.ts";
import { browserTest, logIn, openFleet, openPage } from "./rig.ts";

/** Idle workers stay, so that there is one to act on. */
const SLOW_TO_END = { Containers: { CloudVMs: { TimeoutIdle: "5m" } } };

async function openDaemon(): Promise<DaemonBox> {
  const box = openBox({ config: SLOW_TO_END });
  await box.start();
  return box;
}

const tokenOf = (box: DaemonBox) => box.tokens().managementToken;

describe("the page of a daemon", () => {
  browserTest("takes the management token and no other, and keeps it nowhere", async () => {
    const box = await openDaemon();
    const token = tokenOf(box);
    const { page, urls } = await openPage(`${box.url}/`);
    await page.getByLabel("Management token").fill("wrong");
    await page.keyboard.press("Enter");
    await page.getByText("this is not the token").waitFor();
    await logIn(page, token);
    await page.getByRole("region", { name: "Queue" }).waitFor();
    const kept = await page.evaluate(() => {
      const { localStorage, sessionStorage, document } = globalThis as unknown as Kept;
      return JSON.stringify([localStorage, sessionStorage, document.cookie]);
    });
    expect(kept).not.toContain(token);
    expect(urls.filter((url) => url.includes(token))).toEqual([]);
    await page.reload();
    await page.getByLabel("Management token").waitFor();
  });

  browserTest("shows a container within a second of the fact", async () => {
    const box = await openDaemon();
    const { page } = await openFleet({ url: `${box.url}/`, token: tokenOf(box) });
    await page.getByText("The queue is empty.").waitFor();
    await page.evaluate(noteFirstItem);
    const uuid = await box.submit("sleep 60");
    await page.getByText(uuid.slice(-15)).first().waitFor();
    const shownMs = await page.evaluate(() => (globalThis as unknown as Kept).shownMs);
    const { containers } = await box.api<StateAnswer>("GET", "/dispatch/v1/state");
    const seenMs = Date.parse(containers.find((row) => row.container_uuid === uuid)!.first_seen_at);
    expect(shownMs - seenMs).toBeLessThan(1000);
    await page.getByRole("listbox", { name: /^running: 1 / }).waitFor();
  });

  browserTest(
    "holds a worker and cancels a container, with reasons that the journal has",
    async () => {
      const box = await openDaemon();
      const uuid = await box.submit("sleep 60");
      const { page } = await openFleet({ url: `${box.url}/`, token: tokenOf(box) });
      const running = page.getByRole("listbox", { name: /^running: 1 / });
      await running.getByRole("option").click();
      await act(page, "Hold", "looked at by Ada");
      await running.getByText("hold", { exact: true }).waitFor();

      await page
        .getByRole("listbox", { name: /^Queue/ })
        .getByRole("option")
        .click();
      await page.getByRole("button", { name: "Cancel…" }).click();
      await page.getByRole("dialog").getByText("It interrupts 1 container:").waitFor();
      await page.getByRole("dialog").getByRole("listitem").getByText(uuid).waitFor();
      await page.getByLabel("Reason, for the journal").fill("no longer needed");
      await page.getByRole("dialog").getByRole("button", { name: "Cancel" }).click();
      await page.getByText("it is in the journal").waitFor();
      await box.until("it is cancelled", 20_000, async () => {
        return (await box.container(uuid)).state === "Cancelled";
      });

      const { items } = await box.api<RecordsAnswer>(
        "GET",
        "/dispatch/v1/records?from=1&limit=500",
      );
      const facts = items.map(({ fact }) => fact).filter((fact) => "reason" in fact);
      expect(facts).toContainEqual(expect.objectContaining({ reason: "looked at by Ada" }));
      expect(facts).toContainEqual(expect.objectContaining({ reason: "no longer needed" }));
    },
  );

  browserTest("goes on by itself when the daemon is started again", async () => {
    const box = openBox({ config: { ...SLOW_TO_END, ...(await freePort()) } });
    await box.start();
    const { page } = await openFleet({ url: `${box.url}/`, token: tokenOf(box) });
    await page.getByText("live", { exact: true }).waitFor();
    await page.getByText("The queue is empty.").waitFor();
    await box.kill();
    await page.getByText(/no news for [\d.]+s/).waitFor();
    await box.start();
    await page.getByText("live", { exact: true }).waitFor({ timeout: 30_000 });
    await page.getByRole("contentinfo").getByRole("slider").waitFor();
    const uuid = await box.submit("sleep 60");
    await page.getByText(uuid.slice(-15)).first().waitFor();
  });
});

type Page = Awaited<ReturnType<typeof openFleet>>["page"];

async function act(page: Page, label: string, reason: string): Promise<void> {
  await page.getByRole("button", { name: `${label}…` }).click();
  await page.getByLabel("Reason, for the journal").fill(reason);
  await page.getByRole("dialog").getByRole("button", { name: label }).click();
  await page.getByText("it is in the journal").waitFor();
}

/** Runs in the page: notes when the queue gets its first item, by the very machine's clock that stamps the facts. */
function noteFirstItem(): void {
  const window = globalThis as unknown as Kept;
  const observer = new window.MutationObserver(() => {
    if (!window.document.querySelector(".queue-item")) return;
    window.shownMs = Date.now();
    observer.disconnect();
  });
  observer.observe(window.document.body, { childList: true, subtree: true });
}

/** The same address after a restart takes a port that is known before. */
async function freePort(): Promise<Tree> {
  const { createServer } = await import("node:net");
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  const InternalURLs = { [`http://127.0.0.1:${port}/`]: {} };
  return { Services: { DispatchCloud: { InternalURLs } } };
}

/** Of the browser's window, what these tests look at. */
interface Kept {
  readonly localStorage: object;
  readonly sessionStorage: object;
  readonly document: {
    readonly cookie: string;
    readonly body: object;
    querySelector(selector: string): object | null;
  };
  readonly MutationObserver: new (look: () => void) => {
    observe(node: object, options: object): void;
    disconnect(): void;
  };
  shownMs: number;
}
