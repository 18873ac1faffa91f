import { expect, it } from "vitest";
import { FairLane } from "../../src/actors/fair-lane.ts";

function lane(atOnceMax: number, ofOneMax: number) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const fair = new FairLane<string>({
    atOnceMax,
    ofOneMax,
    ownerOf: (job) => job.charAt(0),
    run: (job) => {
      begun.push(job);
      return new Promise((resolve) => ends.set(job, resolve));
    },
  });
  const end = async (job: string): Promise<void> => {
    ends.get(job)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { fair, begun, end };
}

it("whose jobs hang keeps none but its own waiting", () => {
  const { fair, begun } = lane(200, 8);
  for (let n = 0; n < 1_000; n++) fair.add(`a${n}`);
  fair.add("b0");
  expect(begun).toEqual([..."01234567"].map((n) => `a${n}`).concat("b0"));
});

it("there are no more at once than may be, and owners take turns", async () => {
  const { fair, begun, end } = lane(3, 2);
  for (const job of ["a0", "a1", "a2", "b0", "b1", "c0"]) fair.add(job);
  expect(begun).toEqual(["a0", "a1", "b0"]);
  await end("a0");
  await end("a1");
  await end("b0");
  expect(begun.slice(3)).toEqual(["a2", "b1", "c0"]);
  fair.stop();
  fair.add("d0");
  await end("a2");
  expect(begun).toHaveLength(6);
});
