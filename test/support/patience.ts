/** For `expect.poll`: milliseconds. Only a hang reaches this limit, which is shorter than a test's timeout. */
export const UNLESS_IT_HANGS = { interval: 5, timeout: 300_000 };
