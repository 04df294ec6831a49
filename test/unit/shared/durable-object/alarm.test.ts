import { expect, it } from "vitest";
import { setAlarmNoLaterThan } from "../../../../shared/durable-object/alarm.ts";

/** Makes an object's alarm that is as strict as the platform's. */
function storage(set: number | null) {
  const alarm = { set };
  const stored = {
    getAlarm: async () => alarm.set,
    setAlarm: async (time: number) => {
      if (time <= 0) throw new TypeError("setAlarm() cannot be called with an alarm time <= 0");
      alarm.set = time;
    },
  };
  return { alarm, storage: stored as unknown as DurableObjectStorage };
}

it("sets the alarm to the earliest time that was asked for", async () => {
  const { alarm, storage: object } = storage(null);
  for (const time of [500, 900, undefined, 300]) await setAlarmNoLaterThan(object, time);
  expect(alarm.set).toBe(300);
});

it("sets the alarm at once when the due time is 0", async () => {
  const { alarm, storage: object } = storage(500);
  await setAlarmNoLaterThan(object, 0);
  expect(alarm.set).toBeLessThanOrEqual(1);
});
