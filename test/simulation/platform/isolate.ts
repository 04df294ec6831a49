import { ByteBudget } from "../../../workers/accounts/byte-budget.ts";
import { DOCUMENT_MEMORY, documentMemory } from "../../../workers/accounts/memory.ts";
import { HOLD } from "../../../workers/accounts/uploads.ts";

/**
 * What modules remember lives as long as an isolate, and in each world the isolates are new. Within a world they outlive
 * every invocation: what a dead one has not given back, nobody gives back.
 */
export function beginIsolates(): void {
  const fresh = new ByteBudget(DOCUMENT_MEMORY, HOLD, () => Date.now());
  documentMemory.loan = () => fresh.loan();
}
