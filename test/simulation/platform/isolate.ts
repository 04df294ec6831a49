import { ByteBudget, type Loan } from "../../../workers/accounts/documents/byte-budget.ts";
import { DOCUMENT_MEMORY, documentMemory, LENT_FOR_MS } from "../../../workers/accounts/documents/memory.ts";
import type { World } from "../world/world.ts";

/**
 * Gives each world new isolates, with new module state. Within a world, module state outlives every invocation: memory
 * that a dead invocation did not return stays taken.
 */
export function beginIsolates(world: World): void {
  const fresh = new ByteBudget(DOCUMENT_MEMORY, LENT_FOR_MS, () => Date.now());
  documentMemory.loan = () => roomy(fresh.loan(), world);
}

/** Fails the seed when a loan is refused, because all documents of a world fit into one isolate's memory. */
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
