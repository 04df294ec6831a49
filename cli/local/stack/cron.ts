import { Cron } from "croner";
import { WORKERS, type WorkerName, type WorkerPlan } from "../../../shared/pipeline.ts";
import { WORKER_NAMES } from "./workers.ts";

const EVERY_MINUTE = "* * * * *";

/**
 * Fires the cron triggers in UTC, as the platform does and local workerd does not. The triggers of every minute run once
 * before this resolves, to finish earlier work.
 * @returns a function that stops the triggers and waits for running ones
 */
export async function startCron(
  fire: (worker: WorkerName, cron: string) => Promise<void>,
  say: (line: string) => void,
): Promise<() => Promise<void>> {
  const running = new Set<Promise<void>>();
  const scheduled = WORKER_NAMES.flatMap((worker) => {
    const { cron }: WorkerPlan = WORKERS[worker];
    return cron === undefined ? [] : [{ worker, cron }];
  });
  const run = async (worker: WorkerName, cron: string) => {
    const fired = fire(worker, cron)
      .catch((error: unknown) => say(`cron of ${worker} failed: ${String(error)}`))
      .finally(() => running.delete(fired));
    running.add(fired);
    await fired;
  };
  for (const { worker, cron } of scheduled) if (cron === EVERY_MINUTE) await run(worker, cron);
  const jobs = scheduled.map(
    ({ worker, cron }) => new Cron(cron, { timezone: "UTC", protect: true }, () => run(worker, cron)),
  );
  return async () => {
    for (const job of jobs) job.stop();
    await Promise.all(running);
  };
}
