import { VdcProblem, VdcUnreachable } from "../../../shared/client/problem.ts";
import type { Random } from "../world/random.ts";
import type { World } from "../world/world.ts";

const SOONEST = 20_000;
const LATEST = 1_200_000;

/**
 * Does it again, minutes later, for as long as nobody answers or the deployment can't: until something is known, or, now
 * and then, until patience is over.
 * @returns the answer, or the problem with which it was refused; `undefined`: given up, and nothing is known
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
