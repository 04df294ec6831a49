/** Sets a Durable Object's alarm, unless it is set for an earlier time. @param time milliseconds since the epoch; `undefined`: nothing is owed */
export async function wakeFor(storage: DurableObjectStorage, time: number | undefined): Promise<void> {
  if (time === undefined) return;
  const set = await storage.getAlarm();
  if (set === null || time < set) await storage.setAlarm(time);
}
