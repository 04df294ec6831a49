import { ByteBudget } from "./byte-budget.ts";

/** One of the largest documents, or some small ones: pinning needs about three times a document's bytes. */
export const documentMemory = new ByteBudget(32_000_000);
