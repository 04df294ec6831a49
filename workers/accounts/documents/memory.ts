import { ByteBudget } from "./byte-budget.ts";
import { HOLD } from "./uploads.ts";

/** Memory for one of the largest documents or several small ones: pinning needs about three times a document's bytes. */
export const DOCUMENT_MEMORY = 32_000_000;

/** A loan ends when the hold of its upload has ended: the request is over by then. */
export const documentMemory = new ByteBudget(DOCUMENT_MEMORY, HOLD, () => Date.now());
