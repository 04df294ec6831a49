import { WORKERS, type WorkerName } from "../../../shared/pipeline.ts";
import type { Stack } from "./stack.ts";

const EVERY = 1_800_000;
const LONGEST = 7_200_000;

/** Now and then deploys a Worker that fails at everything, until an operator notices. */
export function startBadDeployments(stack: Stack): void {
  const { world } = stack;
  world.at(world.now + EVERY, () => {
    startBadDeployments(stack);
    for (const worker of Object.keys(WORKERS) as WorkerName[])
      if (world.strikes("worker broken", worker))
        stack.worker(worker).breakUntil(world.now + world.random.between(60_000, LONGEST));
  });
}
