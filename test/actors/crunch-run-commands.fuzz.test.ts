import fc from "fast-check";
import { expect, it } from "vitest";
import { parseListing } from "../../src/actors/crunch-run-commands.ts";
import { containerId } from "../support/containers.ts";

const CLUSTER = "zzzzz";
const ID = /^zzzzz-[a-z0-9]{5}-[a-z0-9]{15}$/;

const own = fc.integer({ min: 0, max: 50 }).map(containerId);
const foreign = own.map((id) => id.replace(/^zzzzz/, "other"));
const bytes = fc.uint8Array({ maxLength: 60 }).map((all) => Buffer.from(all).toString());
/** A good line with something wrong about it, and lines that were never any good. */
const bad = fc
  .oneof(
    bytes,
    foreign,
    fc.tuple(own, bytes).map(([id, text]) => `${id}${text}`),
    fc.tuple(bytes, own).map(([text, id]) => `${text}${id}`),
    own.map((id) => id.toUpperCase()),
    own.map((id) => id.slice(0, -1)),
    own.map((id) => `${id} stale again`),
    own.map((id) => `${id}\r`),
    own.map((id) => `${id} `),
    fc.constantFrom("", " broken", "broken ", "Broken", "zzzzz-", "\0", "x".repeat(10_000)),
  )
  .map((line) => line.replaceAll("\n", " "))
  .filter((line) => !ID.test(line) && line !== "broken" && !/^\S+ stale$/.test(line));

it("whatever a worker prints between them, its good lines count and nothing else does", () => {
  const line = fc.oneof(
    own.map((id) => ({ text: id, id })),
    own.map((id) => ({ text: `${id} stale`, stale: true })),
    fc.constant({ text: "broken", broken: true }),
    foreign.map((id) => ({ text: `${id} stale` })),
    bad.map((text) => ({ text })),
  );
  type Line = { text: string; id?: string; stale?: boolean; broken?: boolean };
  fc.assert(
    fc.property(fc.array<Line>(line, { maxLength: 30 }), fc.boolean(), (lines, ends) => {
      const stdout = lines.map(({ text }) => text).join("\n") + (ends ? "\n" : "");
      const ids = lines.flatMap(({ id }) => (id === undefined ? [] : [id]));
      expect(parseListing(stdout, CLUSTER)).toEqual({
        containerIds: [...new Set(ids)].sort(),
        broken: lines.some(({ broken }) => broken),
        stale: lines.some(({ stale }) => stale),
        reportedCount: new Set(lines.flatMap((l) => (l.stale || l.id ? [l.text] : []))).size,
      });
    }),
    { numRuns: 500 },
  );
});

it("any bytes give nothing but ids of this cluster, at most one for each line", () => {
  const soup = fc
    .array(
      fc.oneof(
        bytes,
        fc.constantFrom("\n", "\r\n", " ", "zzzzz-", "dz642-", "broken", " stale"),
        own,
      ),
      { maxLength: 40 },
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(soup, (stdout) => {
      const { containerIds } = parseListing(stdout, CLUSTER);
      expect(containerIds.filter((id) => !ID.test(id))).toEqual([]);
      expect(containerIds.length).toBeLessThanOrEqual(stdout.split("\n").length);
      expect(containerIds).toEqual([...new Set(containerIds)].sort());
    }),
    { numRuns: 500 },
  );
});
