/** For `expect.poll`: milliseconds. A slow machine does not reach the limit, and it is below a test's own. */
export const UNLESS_IT_HANGS = { interval: 5, timeout: 50_000 };
