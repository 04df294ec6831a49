import * as fc from "fast-check";

/**
 * Every property test makes the same values each time, so that a red run is red again. FAST_CHECK_SEED has others made,
 * FAST_CHECK_RUNS that many of each where a test does not say how many; a failure prints the seed and the path to its case.
 */
const { FAST_CHECK_SEED, FAST_CHECK_RUNS } = process.env;

fc.configureGlobal({
  seed: Number(FAST_CHECK_SEED ?? 20_261_122),
  ...(FAST_CHECK_RUNS !== undefined && { numRuns: Number(FAST_CHECK_RUNS) }),
});
