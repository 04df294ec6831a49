/** The earliest time that the platform accepts for an alarm; 0 and negative times are refused. */
const EARLIEST = 1;

/**
 * Sets a Durable Object's alarm to no later than `time`.
 * @param time milliseconds since the epoch, 0 for at once; `undefined` leaves the alarm as it is
 */
export async function setAlarmNoLaterThan(
  storage: DurableObjectStorage,
  time: number | undefined,
): Promise<void> {
  if (time === undefined) return;
  const set = await storage.getAlarm();
  if (set === null || time < set) await storage.setAlarm(Math.max(EARLIEST, time));
}
