import { r2Keys } from "../../../shared/storage/layout.ts";
import type { Stack } from "../platform/stack.ts";
import type { Mined } from "./mined.ts";
import type { Promised } from "./promised.ts";

const ERASED = "erased stays erased";

/** Holds at any moment: no archive contains an erased private part again. */
export function checkErasedFromArchives(stack: Stack, promised: Promised): void {
  for (const txId of promised.erasures) {
    const blockNumber = promised.erasureOf(txId);
    if (typeof blockNumber !== "number") continue;
    const { envelopes = {} } = jsonAt(stack, r2Keys.private(blockNumber)) as { envelopes?: object };
    if (txId in envelopes) stack.world.broken(ERASED, `${r2Keys.private(blockNumber)} holds ${txId}`);
  }
}

/**
 * Holds at rest: no envelope of an erased transaction is stored. A transaction that was in no block when it was erased
 * is in no block now.
 */
export function checkErased(stack: Stack, promised: Promised, mined: Mined): void {
  const { world, r2 } = stack;
  const erased = new Set(promised.erasures);
  checkErasedFromArchives(stack, promised);
  for (const txId of erased) {
    for (const key of [r2Keys.pending(txId), r2Keys.setAside(txId), r2Keys.intent(txId)])
      if (r2.truth(key) !== undefined) world.broken(ERASED, `${key} is there`);
    const answered = promised.erasureOf(txId);
    const blockNumber = mined.get(txId)?.blockNumber ?? null;
    if (answered !== blockNumber)
      world.broken(ERASED, `${txId} was erased as of block ${answered}, and is in ${blockNumber}`);
  }
  for (const key of r2.keys(r2Keys.deadLetterPrefix)) {
    const { message } = jsonAt(stack, key) as { message?: { envelope?: { txId?: string } } | null };
    const txId = message?.envelope?.txId;
    if (txId !== undefined && erased.has(txId)) world.broken(ERASED, `${key} holds ${txId}`);
  }
}

function jsonAt(stack: Stack, key: string): object {
  const bytes = stack.r2.truth(key)?.bytes;
  return bytes === undefined ? {} : (JSON.parse(Buffer.from(bytes).toString()) as object);
}
