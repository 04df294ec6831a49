/**
 * Milliseconds of processor time that the work takes on this thread. Other work of the machine does not count, so that a
 * limit tells what the work costs, and not how busy the machine is. What the platform does on other threads is left out.
 */
export async function cpuMilliseconds(work: () => unknown): Promise<number> {
  const before = process.threadCpuUsage();
  await work();
  const { user, system } = process.threadCpuUsage(before);
  return (user + system) / 1_000;
}
