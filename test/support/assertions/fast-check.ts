import * as fc from "fast-check";

/**
 * Every property test uses the same values in each run, so that a failure repeats. FAST_CHECK_SEED selects other
 * values, and FAST_CHECK_RUNS the number of values for each property. A failure prints the seed and the path to its
 * case.
 */
const { FAST_CHECK_SEED, FAST_CHECK_RUNS } = process.env;

fc.configureGlobal({ seed: Number(FAST_CHECK_SEED ?? 20_261_122), numRuns: runs(100) });

/**
 * Returns how often a property is tried.
 * @param quick the number in `npm test`; FAST_CHECK_RUNS, which `npm run prove` sets, replaces it
 */
export function runs(quick: number): number {
  return Number(FAST_CHECK_RUNS ?? quick);
}
