/**
 * Measures the milliseconds of processor time that the work takes on this thread. Other processes do not count, so a
 * limit on the result does not depend on how busy the machine is. Work of the platform on other threads is not counted.
 */
export async function cpuMilliseconds(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
