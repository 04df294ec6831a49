import * as v from "valibot";

/**
 * What a pending object says about itself outside its envelope, so that the chain head can be told of it again
 * without decrypting it: R2 custom metadata holds text only.
 */
const Whole = v.pipe(v.string(), v.regex(/^\d{1,16}$/), v.transform(Number), v.safeInteger());
const PendingMetadata = v.object({ timestamp: Whole, size: Whole });

export function pendingMetadata(facts: { timestamp: number; size: number }): Record<string, string> {
  return { timestamp: String(facts.timestamp), size: String(facts.size) };
}

/** `undefined` for an object that VDC did not write. */
export function readPendingMetadata(
  metadata: Record<string, string> | undefined,
): { timestamp: number; size: number } | undefined {
  const parsed = v.safeParse(PendingMetadata, metadata);
  return parsed.success ? parsed.output : undefined;
}
