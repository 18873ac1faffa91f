import { mkdir, mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type Browser, type Page } from "playwright-core";
import type { HistoryAnswer } from "../../src/http/wire/actor.ts";
import { inspectJournal, type Inspected } from "./inspected.ts";
import { type NightNames, writeNightJournal } from "./journals/night.ts";

const FOLDER = fileURLToPath(new URL("../../docs/img", import.meta.url));
const BYTES_MAX = 250_000;

/** `npm run docs:pictures`: the page over the seeded night, as docs/visualizer.md shows it. */
interface Picture {
  readonly name: string;
  readonly hash: string;
  /** What has to be there before it is taken. */
  readonly shows: string;
  /** Of the marks of its history, the last one of this type is chosen. */
  readonly chosen?: { readonly actor: string; readonly type: string };
  readonly theme?: "dark";
  readonly phone?: true;
}

/** Busy, with workers in all states, after a quota and amid a lack of capacity. */
const BUSY = "2026-01-01T01:25:30.000Z";

const picturesOf = ({ heldWorker, killedContainer }: NightNames): readonly Picture[] => [
  { name: "fleet", hash: `#/fleet?at=${BUSY}`, shows: "[role=listbox] [role=option]" },
  {
    name: "fleet-dark",
    hash: `#/fleet?at=${BUSY}`,
    shows: "[role=listbox] [role=option]",
    theme: "dark",
  },
  {
    name: "chart",
    hash: `#/chart/worker?id=${heldWorker}&at=2026-01-01T00:50:10.000Z`,
    shows: "main svg text",
  },
  {
    name: "history",
    hash: `#/history/${heldWorker}?at=2026-01-01T00:58:00.000Z`,
    shows: ".record-panel pre",
    chosen: { actor: heldWorker, type: "start.returned" },
  },
  {
    name: "history-container",
    hash: `#/history/${killedContainer}?at=2026-01-01T01:25:30.000Z`,
    shows: ".mark-list li",
  },
  { name: "lanes", hash: `#/lanes?at=${BUSY}`, shows: ".lane-bar" },
  {
    name: "phone",
    hash: `#/fleet?at=${BUSY}`,
    shows: "[role=listbox] [role=option]",
    phone: true,
  },
  {
    name: "phone-history",
    hash: `#/history/${heldWorker}?at=2026-01-01T00:58:00.000Z`,
    shows: ".mark-list li",
    phone: true,
  },
];

async function takeAll(journalPath: string): Promise<void> {
  const pictures = picturesOf(await writeNightJournal(journalPath));
  await mkdir(FOLDER, { recursive: true });
  const inspected = await inspectJournal(journalPath);
  const browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: process.getuid?.() === 0 ? ["--no-sandbox"] : [],
  });
  try {
    const wanted = process.argv.slice(2);
    for (const picture of pictures)
      if (wanted.length === 0 || wanted.includes(picture.name))
        await take(browser, inspected, picture);
  } finally {
    await browser.close();
    await inspected.close();
  }
}

async function take(browser: Browser, inspected: Inspected, picture: Picture): Promise<void> {
  const { name, shows, theme = "light", phone } = picture;
  const { url, token } = inspected;
  const context = await browser.newContext({
    viewport: phone ? { width: 375, height: 760 } : { width: 1280, height: 800 },
    colorScheme: theme,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  await page.goto(`${url}${await addressOf(picture, inspected)}`);
  await page.getByLabel("Management token").fill(token);
  await page.getByRole("button", { name: "Log in" }).click();
  await page.locator(shows).first().waitFor();
  await page.locator(".density rect").first().waitFor({ state: "attached" });
  await settled(page);
  const path = join(FOLDER, `${name}.png`);
  await page.screenshot({ path });
  await context.close();
  const { size } = await stat(path);
  process.stdout.write(`${name}.png: ${size} bytes\n`);
  if (size > BYTES_MAX) throw new Error(`${name}.png is larger than ${BYTES_MAX} bytes`);
}

async function addressOf({ hash, chosen }: Picture, { get }: Inspected): Promise<string> {
  if (chosen === undefined) return hash;
  const { marks } = await get<HistoryAnswer>(`actors/${chosen.actor}/history`);
  return `${hash}&seq=${marks.findLast(({ type }) => type === chosen.type)?.seq ?? 0}`;
}

const QUIET_MS = 400;

/** Nothing has been asked for or answered for a while, but for the stream that never ends. */
async function settled(page: Page): Promise<void> {
  for (let calls = await callsOf(page), before = -1; calls !== before;) {
    before = calls;
    await page.waitForTimeout(QUIET_MS);
    calls = await callsOf(page);
  }
}

function callsOf(page: Page): Promise<number> {
  return page.evaluate<number>("performance.getEntriesByType('resource').length");
}

const dir = await mkdtemp(join(tmpdir(), "dispatch-cloud-pictures-"));
try {
  await takeAll(join(dir, "night.db"));
} finally {
  await rm(dir, { recursive: true, force: true });
}
