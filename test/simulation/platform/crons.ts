import { Cron } from "croner";
import { WORKERS, type WorkerName, type WorkerPlan } from "../../../shared/pipeline.ts";
import type { Stack } from "./stack.ts";

/** Fires the cron triggers of all Workers for as long as the world lasts; one is left out or comes twice now and then. */
export function startCrons(stack: Stack): void {
  for (const worker of Object.keys(WORKERS) as WorkerName[]) {
    const { cron }: WorkerPlan = WORKERS[worker];
    if (cron !== undefined) arrange(stack, worker, new Cron(cron, { timezone: "UTC", paused: true }));
  }
}

function arrange(stack: Stack, worker: WorkerName, cron: Cron): void {
  const { world } = stack;
  const next = cron.nextRun(new Date(world.now));
  if (next === null) throw new Error(`${worker}: a cron that never comes`);
  world.at(next.getTime(), () => {
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
