import { Cron } from "croner";
import { WORKERS, type WorkerName, type WorkerPlan } from "../../../shared/pipeline.ts";
import type { Stack } from "./stack.ts";

/**
 * `alerts` watches, and changes nothing that it watches. Fired each minute, it would be more than half of all that happens in a
 * seed, so more seeds see more.
 */
const RARER: Partial<Record<WorkerName, string>> = { alerts: "*/5 * * * *" };

/** Fires the cron triggers of all Workers for as long as the world lasts; one is left out or comes twice now and then. */
export function startCrons(stack: Stack): void {
  for (const worker of Object.keys(WORKERS) as WorkerName[]) {
    const { cron }: WorkerPlan = WORKERS[worker];
    if (cron !== undefined) arrange(stack, worker, RARER[worker] ?? cron);
  }
}

/** Every world begins at the same time, so the times of a trigger are worked out once for all of them. */
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
