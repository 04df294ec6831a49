/** The platform refuses 0 and what is before it. */
const EARLIEST = 1;

/** Sets a Durable Object's alarm, unless it is set for an earlier time. @param time milliseconds since the epoch, 0 for at once; `undefined`: nothing is owed */
export async function wakeFor(storage: DurableObjectStorage, time: number | undefined): Promise<void> {
  if (time === undefined) return;
  const set = await storage.getAlarm();
  if (set === null || time < set) await storage.setAlarm(Math.max(EARLIEST, time));
}
