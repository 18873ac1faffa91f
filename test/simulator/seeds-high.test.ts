import { describe } from "vitest";
import { SEEDS_COUNT } from "./budget.ts";
import { testSeeds } from "./seed-tests.ts";

describe("another small world in which much goes wrong", () =>
  testSeeds(SEEDS_COUNT / 2 + 1, SEEDS_COUNT / 2));
