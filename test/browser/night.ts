import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect } from "vitest";
import type { Lifecycle } from "../../src/http/wire/worker.ts";
import type { StateAnswer } from "../../src/http/wire/state.ts";
import { inspectJournal, type Inspected } from "../support/inspected.ts";
import { writeNightJournal } from "../support/journals/night.ts";
import { logIn, openPage } from "./rig.ts";

const START_MS = 120_000;
/** Of a wait: a whole journal is folded for some of what the page asks. */
const WAIT_MS = 30_000;

/** The seeded night, served by `inspect` for all tests of a file; what people say in it is hostile markup. */
export class Night {
  #dir = "";
  #inspected: Inspected | undefined;
  #heldWorker = "";

  constructor() {
    beforeAll(async () => {
      this.#dir = await mkdtemp(join(tmpdir(), "dispatch-cloud-night-"));
      const path = join(this.#dir, "night.db");
      const { heldWorker } = await writeNightJournal(path, { hostile: true });
      this.#heldWorker = heldWorker;
      this.#inspected = await inspectJournal(path);
    }, START_MS);
    afterAll(async () => {
      await this.#inspected?.close();
      await rm(this.#dir, { recursive: true, force: true });
    });
  }

  /** A worker which an operator holds. */
  get heldWorker(): string {
    return this.#heldWorker;
  }

  get<T>(path: string): Promise<T> {
    return this.#served.get<T>(path);
  }

  /** The page at an address such as `#/fleet?at=12`, logged in. */
  async open(hash: string, options?: BrowserContextOptions): Promise<Page> {
    const { url, token } = this.#served;
    const { page } = await openPage(`${url}${hash}`, options);
    page.setDefaultTimeout(WAIT_MS);
    await logIn(page, token);
    await page.getByRole("region", { name: "Time travel" }).waitFor();
    return page;
  }

  /** The page's figures are those of the record, as the server tells them. */
  async expectMoment(page: Page, seq: number): Promise<void> {
    await expectSeq(page, seq);
    const state = await this.get<StateAnswer>(`state?at=${seq}`);
    const counts = new Map<Lifecycle, number>();
    for (const { lifecycle } of state.workers)
      counts.set(lifecycle, (counts.get(lifecycle) ?? 0) + 1);
    const shown = (await page.getByLabel("Workers by state").innerText()).replace(/\s+/g, " ");
    expect(shown).toMatch(new RegExp(`^${state.workers.length} workers?`));
    for (const [lifecycle, count] of counts) expect(shown).toContain(`${count} ${lifecycle}`);
  }

  get #served(): Inspected {
    if (!this.#inspected) throw new Error("the night is not served yet");
    return this.#inspected;
  }
}

/** Waits until the page stands at that record. */
export async function expectSeq(page: Page, seq: number): Promise<void> {
  await page.getByText(`#${seq} of`).waitFor();
}
