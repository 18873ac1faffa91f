import { describe } from "vitest";
import { SEEDS_COUNT } from "./budget.ts";
import { testSeeds } from "./seed-tests.ts";

// Two files of them: vitest runs files, not tests, at once.
describe("a small world in which much goes wrong", () => testSeeds(1, SEEDS_COUNT / 2));
