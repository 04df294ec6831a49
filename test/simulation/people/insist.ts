import { VdcProblem, VdcUnreachable } from "../../../shared/client/problem.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

const SOONEST = 20_000;
const LATEST = 1_200_000;

/**
 * Repeats the request every few minutes while no answer comes or the deployment can't serve it. Now and then the person
 * gives up.
 * @returns the answer, or the problem with which it was refused; `undefined` if the person gave up and knows nothing
 */
export async function insist<T>(
  world: World,
  random: Random,
  work: () => Promise<T>,
): Promise<T | VdcProblem | undefined> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof VdcProblem || error instanceof VdcUnreachable)) throw error;
      if (error instanceof VdcProblem && isRefusal(error)) return error;
    }
    if (!world.calm && random.chance(0.05)) return undefined;
    await world.sleep(random.between(SOONEST, LATEST));
  }
}

function isRefusal({ status }: VdcProblem): boolean {
  return status < 500 && status !== 429;
}
