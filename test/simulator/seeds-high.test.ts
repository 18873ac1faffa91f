import { describe } from "vitest";
import { testSeeds } from "./seed-tests.ts";

describe("another small world in which much goes wrong", () => testSeeds(101, 100));
