import { ByteBudget, type Loan } from "../../../workers/accounts/byte-budget.ts";
import { DOCUMENT_MEMORY, documentMemory } from "../../../workers/accounts/memory.ts";
import { HOLD } from "../../../workers/accounts/uploads.ts";
import type { World } from "../world/world.ts";

/**
 * What modules remember lives as long as an isolate, and in each world the isolates are new. Within a world they outlive
 * every invocation: what a dead one has not given back, nobody gives back.
 */
export function beginIsolates(world: World): void {
  const fresh = new ByteBudget(DOCUMENT_MEMORY, HOLD, () => Date.now());
  documentMemory.loan = () => roomy(fresh.loan(), world);
}

/** All documents of a world fit into one isolate's memory, so a refused loan is a broken promise. */
function roomy(loan: Loan, world: World): Loan {
  return {
    extendTo: (bytes) => {
      const isLent = loan.extendTo(bytes);
      if (!isLent) world.broken("an honest upload finds room", `an upload is not lent ${bytes} bytes`);
      return isLent;
    },
    end: () => loan.end(),
  };
}
