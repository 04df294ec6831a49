import { ByteBudget } from "./byte-budget.ts";
import { HOLD } from "./uploads.ts";

/**
 * One of the largest documents, or some small ones: pinning needs about three times a document's bytes. Who holds the upload
 * no more holds no bytes either.
 */
export const documentMemory = new ByteBudget(32_000_000, HOLD);
