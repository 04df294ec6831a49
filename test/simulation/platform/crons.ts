import { Cron } from "croner";
import { WORKERS, type WorkerName, type WorkerPlan } from "../../../shared/pipeline.ts";
import type { Stack } from "./stack.ts";

/**
 * `alerts` only reads. Fired every minute, its cron would be more than half of all events of a seed. A rarer cron
 * leaves time for more seeds.
 */
const RARER: Partial<Record<WorkerName, string>> = { alerts: "*/5 * * * *" };

/**
 * Fires the cron triggers of all Workers as long as the world lasts. Now and then a firing is left out or comes twice.
 */
export function startCrons(stack: Stack): void {
  for (const worker of Object.keys(WORKERS) as WorkerName[]) {
    const { cron }: WorkerPlan = WORKERS[worker];
    if (cron !== undefined) arrange(stack, worker, RARER[worker] ?? cron);
  }
}

/**
 * The next firing of each trigger by the time before it. All worlds begin at the same time, so they share this cache.
 */
const nextAfter = new Map<string, Map<number, number>>();

function nextRun(cron: string, after: number): number {
  const known = nextAfter.get(cron) ?? new Map<number, number>();
  nextAfter.set(cron, known);
  const next =
    known.get(after) ?? new Cron(cron, { timezone: "UTC", paused: true }).nextRun(new Date(after))?.getTime();
  if (next === undefined) throw new Error(`a cron that never comes: ${cron}`);
  known.set(after, next);
  return next;
}

function arrange(stack: Stack, worker: WorkerName, cron: string): void {
  const { world } = stack;
  world.at(nextRun(cron, world.now), () => {
    arrange(stack, worker, cron);
    if (world.strikes("cron skipped", worker)) return;
    fire(stack, worker);
    if (world.strikes("cron doubled", worker)) fire(stack, worker);
  });
}

function fire(stack: Stack, worker: WorkerName): void {
  const { world } = stack;
  world.at(world.now + world.random.between(0, 2_000), () => {
    world.say(`cron ${worker}`);
    stack
      .worker(worker)
      .scheduled()
      .catch((error: unknown) => world.say(`cron ${worker} failed: ${String(error)}`));
  });
}
