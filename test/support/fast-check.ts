import * as fc from "fast-check";

/**
 * Every property test makes the same values each time, so that a red run is red again. FAST_CHECK_SEED makes other
 * values, FAST_CHECK_RUNS that many of each property. A failure prints the seed and the path to its case.
 */
const { FAST_CHECK_SEED, FAST_CHECK_RUNS } = process.env;

fc.configureGlobal({ seed: Number(FAST_CHECK_SEED ?? 20_261_122), numRuns: runs(100) });

/**
 * How often a property is tried.
 * @param quick the number in `npm test`; FAST_CHECK_RUNS, which `npm run prove` sets, replaces it
 */
export function runs(quick: number): number {
  return Number(FAST_CHECK_RUNS ?? quick);
}
