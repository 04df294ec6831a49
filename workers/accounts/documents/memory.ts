import { ByteBudget } from "./byte-budget.ts";

/** Memory for one of the largest documents or several small ones: a put into R2 takes as much again. */
export const DOCUMENT_MEMORY = 32_000_000;

/** Milliseconds after which a loan ends. The deadlines of an upload are over by then. */
export const LENT_FOR_MS = 10 * 60_000;

export const documentMemory = new ByteBudget(DOCUMENT_MEMORY, LENT_FOR_MS, () => Date.now());
