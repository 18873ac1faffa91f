import { existsSync } from "node:fs";
import { chromium, type Browser, type BrowserContextOptions, type Page } from "playwright-core";
import { afterAll, expect, it, onTestFinished } from "vitest";

const PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** $CHROMIUM, or where packages put it; undefined where there is none. */
const chromiumPath = [process.env["CHROMIUM"] ?? "", ...PATHS].find((path) => existsSync(path));

let browser: Promise<Browser> | undefined;

afterAll(async () => (await browser)?.close());

/** A test that needs a real browser: skipped, with the reason, where there is none. */
export function browserTest(name: string, run: () => Promise<void>): void {
  it(name, async (context) => {
    if (chromiumPath === undefined)
      context.skip("no Chromium: install the package chromium, or name one by $CHROMIUM");
    await run();
  });
}

/** Sizes that views are looked at in. */
export const DESKTOP = { viewport: { width: 1440, height: 900 } };
export const PHONE = { viewport: { width: 375, height: 760 } };

/** The machine may be a slow one; the tests that are about time have limits of their own. */
const ACTION_MS = 10_000;

export interface OpenedPage {
  readonly page: Page;
  /** What no test expects: errors on the console (a breach of the content-security-policy is one), requests elsewhere. */
  readonly problems: string[];
  /** All URLs that were asked for. */
  readonly urls: string[];
}

/** A page of its own, with nothing kept from others; when its test ends there must have been no problem. */
export async function openPage(
  url: string,
  options: BrowserContextOptions = DESKTOP,
): Promise<OpenedPage> {
  browser ??= chromium.launch({
    executablePath: chromiumPath ?? "",
    // As root, which CI often is, Chromium starts without a sandbox only.
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  const context = await (await browser).newContext(options);
  const page = await context.newPage();
  const opened: OpenedPage = { page, problems: [], urls: [] };
  watch(opened, new URL(url).origin);
  onTestFinished(async () => {
    await context.close();
    expect(opened.problems).toEqual([]);
  });
  page.setDefaultTimeout(ACTION_MS);
  await page.goto(url);
  return opened;
}

export async function logIn(page: Page, token: string): Promise<void> {
  await page.getByLabel("Management token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("navigation", { name: "Views" }).waitFor();
}

/** Opened and logged in. */
export async function openFleet(
  { url, token }: { readonly url: string; readonly token: string },
  options?: BrowserContextOptions,
): Promise<OpenedPage> {
  const opened = await openPage(url, options);
  await logIn(opened.page, token);
  return opened;
}

function watch({ page, problems, urls }: OpenedPage, origin: string): void {
  page.on("console", (message) => {
    // A refused or broken request is on the console whatever the page makes of it.
    const isRefusal = /status of (401|403|404|409|503)|net::ERR_/.test(message.text());
    if (message.type() === "error" && !isRefusal) problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("request", (request) => {
    urls.push(request.url());
    const { origin: asked, protocol } = new URL(request.url());
    if (asked !== origin && protocol !== "data:") problems.push(`request to ${request.url()}`);
  });
}
