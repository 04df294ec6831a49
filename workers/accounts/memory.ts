import { ByteBudget } from "./byte-budget.ts";
import { HOLD } from "./uploads.ts";

/** One of the largest documents, or some small ones: pinning needs about three times a document's bytes. */
export const DOCUMENT_MEMORY = 32_000_000;

/** A request that stores a document has ended after a hold's time. */
export const documentMemory = new ByteBudget(DOCUMENT_MEMORY, HOLD, () => Date.now());
